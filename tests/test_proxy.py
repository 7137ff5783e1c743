"""A proxy that cannot be used is called that, with what to do, and its password is never shown."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from gpt2bot.errors import NetworkError
from gpt2bot.gpt2.download.transfer import RetryPolicy, Server
from gpt2bot.posting.client import Client
from tests.fakes.x_server import credentials

if TYPE_CHECKING:
    from tests.fakes.x_server import XServer

SECRET = "s3cr3t"
WITHOUT_PYSOCKS = pytest.mark.skipif(
    importlib.util.find_spec("socks") is not None, reason="PySocks is installed"
)


def failures(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said where X is asked, and where a model is downloaded."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    said = []
    with pytest.raises(NetworkError) as caught:
        Client(credentials(), timeout=30).create_post("Hello")
    said.append(str(caught.value))
    policy = RetryPolicy(tries=1)
    with Server("https://models.example/124M", retry_policy=policy) as server:
        with pytest.raises(NetworkError) as caught:
            server.describe("checkpoint")
        said.append(str(caught.value))
    assert not [text for text in said if SECRET in text or "\n" in text]
    return said


@WITHOUT_PYSOCKS
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_socks_proxy_needs_pysocks(
    variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for said in failures(variable, f"{scheme}://me:{SECRET}@127.0.0.1:9", monkeypatch):
        assert f"the proxy in {variable} is a SOCKS proxy" in said
        assert "`pip install pysocks`" in said


@pytest.mark.parametrize(
    "value",
    [
        f"ftp://me:{SECRET}@127.0.0.1:9",
        f"http://me:{SECRET}@127.0.0.1:99999",
        f"http://me:{SECRET}@127.0.0.1:port",
        f"http://me:{SECRET}@",
        "http://",
        "http://[::1",
        "'http://127.0.0.1:9'",
        "http://127.0.0.1:9 9",
        f"http://{'a' * 70}.example:9",
    ],
)
def test_what_is_no_address_of_a_proxy(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for said in failures("HTTPS_PROXY", value, monkeypatch):
        assert said.startswith("HTTPS_PROXY is not the address of a proxy")
        assert ": write it as http://HOST:PORT" in said


def test_a_proxy_that_nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    for said in failures("HTTPS_PROXY", f"http://me:{SECRET}@127.0.0.1:9", monkeypatch):
        assert "the proxy in HTTPS_PROXY did not connect to" in said


@pytest.mark.parametrize(
    ("user", "wanted"),
    [
        ("", "asks for a user name and a password"),
        (f"me:{SECRET}@", "refuses the user name or the password in it"),
    ],
)
def test_a_proxy_that_wants_a_password(
    user: str, wanted: str, x: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    x.proxy.status = "407 Proxy Authentication Required"
    monkeypatch.setenv("https_proxy", x.proxy.url.replace("//", f"//{user}"))
    with pytest.raises(NetworkError, match=wanted) as caught:
        Client(credentials(), timeout=30).create_post("Hello")
    assert SECRET not in str(caught.value)
