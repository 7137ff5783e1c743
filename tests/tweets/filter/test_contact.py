import pytest

from gpt2bot.tweets.filter.contact import find_contact


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to jane.doe+x@mail.example.org now.", "e-mail address jane.doe+x@mail.example.org"),
        ("Call 212-456-7890 today.", "phone number 212-456-7890"),
        ("Call (212) 456-7890 today.", "phone number (212) 456-7890"),
        ("Ring +44 20 7946 0958 now.", "phone number +44 20 7946 0958"),
        ("It is 4111 1111 1111 1111, he said.", "card number 4111 1111 1111 1111"),
        ("It is 378282246310005.", "card number 378282246310005"),
        ("Her number is 078-05-1120.", "social security number 078-05-1120"),
        ("Her number is 078 05 1120.", "social security number 078 05 1120"),
        ("The host is 192.168.0.1.", "IP address 192.168.0.1"),
        ("The host is 2001:db8::8a2e:370:7334 now.", "IP address 2001:db8::8a2e:370:7334"),
    ],
)
def test_contact_data(text: str, found: str) -> None:
    assert find_contact(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "In 1984 they sold 1,250,000 copies for $3.50 each, from 9 to 5.",
        "It was 12:30:45 on 2019-02-14, or 14.02.2019.",
        "Version 1.2.3 has 300.400.500.600 parts.",
        "The code 4111 1111 1111 1112 fails its check.",
        "The series 000-12-3456 and 900-12-3456 were never issued.",
        "Pages 123-456, room 78-90, flight 1234567.",
        "He said: go :: there, at 5 @ noon.",
        "A 1 in 10000000000000000 chance.",
    ],
)
def test_other_numbers(text: str) -> None:
    assert find_contact(text) is None
