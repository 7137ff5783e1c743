"""Finds contact and identity data. GPT-2 invents it, and sometimes recites a real person's."""

from __future__ import annotations

import ipaddress
import re

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
# Area, group and serial numbers as issued: https://www.ssa.gov/employer/randomization.html
_SSN = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\d-])")
_IP_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d+(?:\.\d+){3}|[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,7})(?![\w:])"
)


def find_contact(text: str) -> str | None:
    """Names the first contact or identity data in a text and shows it, or returns None."""
    if found := _EMAIL.search(text):
        return f"e-mail address {found.group()}"
    if found := _SSN.search(text):
        return f"social security number {found.group()}"
    for found in _CARD.finditer(text):
        if _passes_luhn(found.group()):
            return f"card number {found.group()}"
    for found in _IP_ADDRESS.finditer(text):
        if _is_ip_address(found.group()):
            return f"IP address {found.group()}"
    return _find_phone(text)


def _passes_luhn(number: str) -> bool:
    """Checks the check digit of a card number: ISO/IEC 7812-1, annex B."""
    digits = [int(digit) for digit in number if digit.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_ip_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def _find_phone(text: str) -> str | None:
    if not any(character.isdigit() for character in text):
        return None  # no need to load the tables
    import phonenumbers

    # Numbers without a country code are read as American, like most in GPT-2's output.
    matcher = phonenumbers.PhoneNumberMatcher(text, "US", phonenumbers.Leniency.VALID)
    found = next(iter(matcher), None)
    return f"phone number {found.raw_string}" if found else None
