"""Explains failures of the proxy that the environment names, without ever showing its password.

Importing this module loads nothing heavy: `requests` is loaded by the time a request has failed.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass

__all__ = ["HOST", "ODD", "ProxyFault", "proxy_fault"]

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
ODD = (ValueError, TypeError)
"""What requests raises for some malformed addresses, besides its own errors."""

HOST = re.compile(r"[\w.:%\[\]-]+")


@dataclass(frozen=True)
class ProxyFault:
    """Why a proxy cannot be used.

    Attributes:
        what: What is wrong.
        advice: What to do.
        is_lasting: Whether it makes no sense to try again.
    """

    what: str
    advice: str
    is_lasting: bool = True


def proxy_fault(error: Exception, url: str, target: str) -> ProxyFault | None:
    """Finds what is wrong with the proxy; returns None if the proxy is not the cause.

    Args:
        error: How a request failed before it was answered.
        url: Where it went.
        target: The name of the server in messages.
    """
    from requests.exceptions import ProxyError
    from requests.utils import get_environ_proxies, select_proxy

    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return None
    name = _variable(proxy)
    scheme, has_password = _parsed(proxy)
    where, told = f"the proxy in {name}", str(error)
    fault = None
    if not scheme:
        fault = ProxyFault(f"{name} is not the address of a proxy", "write it as http://HOST:PORT")
    elif scheme.startswith("socks") and importlib.util.find_spec("socks") is None:
        fault = ProxyFault(
            f"{where} is a SOCKS proxy, and the package PySocks is not installed",
            "run `pip install pysocks` where gpt2bot is installed, or name an HTTP proxy",
        )
    elif "Tunnel connection failed: 407" in told and has_password:
        fault = ProxyFault(f"{where} refuses the user name or the password in it", "correct them")
    elif "Tunnel connection failed: 407" in told:
        fault = ProxyFault(
            f"{where} asks for a user name and a password",
            "write the variable as http://USER:PASSWORD@HOST:PORT",
        )
    elif scheme == "https" and "only use HTTP and not HTTPS" in told:
        fault = ProxyFault(f"{where} does not speak HTTPS", "write its address with http://")
    elif isinstance(error, ProxyError) or "SOCKS" in told:
        advice = "check that variable and the proxy"
        fault = ProxyFault(f"{where} did not connect to {target}", advice, is_lasting=False)
    return fault


def _variable(proxy: str) -> str:
    """The environment variable that has this value."""
    names = (name for name, value in os.environ.items() if value == proxy)
    return next((n for n in names if n.lower().endswith("_proxy")), "HTTPS_PROXY")


def _parsed(proxy: str) -> tuple[str, bool]:
    """The scheme, or "" if this is not an address; and whether there is a user name or password."""
    from requests.utils import prepend_scheme_if_needed
    from urllib3.exceptions import HTTPError
    from urllib3.util import parse_url

    try:
        url = parse_url(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
        (url.host or "").encode("idna")  # as a connection does
    except (*ODD, HTTPError):
        return "", False
    is_address = url.scheme in SCHEMES and bool(HOST.fullmatch(url.host or ""))
    return (url.scheme or "") if is_address else "", bool(url.auth)
