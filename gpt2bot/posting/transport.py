"""Sends one request to X: its timeout, and what a failure says about the outcome.

X can act on a post only once its body arrives. So a failure before the first byte of the body is
sent (name, proxy, connection, TLS) means that nothing was posted. After that, the outcome is
unknown. Importing this module loads `requests`, so `client.py` imports it only when needed.
"""

from __future__ import annotations

import io
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import select_proxy

from gpt2bot.errors import NetworkError, OutcomeUnknownError
from gpt2bot.posting.responses import NEXT_RUN
from gpt2bot.proxy import HOST, ODD, proxy_fault

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

__all__ = ["TimeoutAdapter", "check_environment"]

X = "https://api.twitter.com"  # where Tweepy sends requests


HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # certificates, as `openssl rehash` names them

# In our own words: the text of an exception can contain a proxy's password.
FAILURES: tuple[tuple[type[Exception], str, str], ...] = (
    (
        requests.exceptions.SSLError,
        "the TLS connection to X failed",
        "check this machine's clock and its CA certificates, and run again",
    ),
    (
        requests.exceptions.Timeout,
        "X did not answer within {:g} seconds",
        "check this machine's network, and run again",
    ),
    (
        requests.exceptions.RequestException,
        "the connection to X failed",
        "check this machine's network and name resolution, and run again",
    ),
    (
        Exception,
        "cannot connect to X",
        "check HTTPS_PROXY and REQUESTS_CA_BUNDLE, and run again",
    ),
)


class _Body(io.BytesIO):
    """The body of a request, which records whether sending it has begun."""

    begun = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.begun = True
        return super().read(size)


class TimeoutAdapter(HTTPAdapter):
    """Sets a timeout, which Tweepy does not, never retries, and explains failures."""

    def __init__(self, timeout: float) -> None:
        """Sets the seconds to wait for a connection, and for each piece of an answer."""
        super().__init__(max_retries=0)
        self.timeout = timeout

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends a request and reads the whole answer.

        Raises:
            NetworkError: It failed before X could act on it.
            OutcomeUnknownError: It failed after that.
        """
        body = None
        if isinstance(request.body, bytes):
            body = _Body(request.body)
            request.body = body  # type: ignore[assignment]  # requests takes files, its types do not
        try:
            response = super().send(request, *args, **{**kwargs, "timeout": self.timeout})
            response.content  # noqa: B018 - read here, so that failures are caught here too
        except (OSError, *ODD, urllib3.exceptions.HTTPError) as error:
            raise self._explain(error, body) from error
        return response

    def _explain(self, error: Exception, body: _Body | None) -> NetworkError | OutcomeUnknownError:
        """What a failure means: if sending a tweet had begun, the outcome is unknown."""
        if body and body.begun:
            if isinstance(error, requests.exceptions.Timeout):
                what = f"the tweet was sent, but X did not answer within {self.timeout:g} seconds"
            else:
                what = "the connection to X broke while the tweet was being sent"
            return OutcomeUnknownError(f"{what}: whether it was posted is not known; {NEXT_RUN}")
        what, advice = next((w, a) for kind, w, a in FAILURES if isinstance(error, kind))
        if fault := proxy_fault(error, X, "X"):
            what, advice = fault.what, f"{fault.advice}, and run again"
        when = ", before anything was posted" if body else ""
        return NetworkError(f"{what.format(self.timeout)}{when}: {advice}")


def check_environment() -> str:
    """Says how this machine would connect to X. Opens no connection.

    Raises:
        NetworkError: The proxy or the CA certificates that the environment names cannot be used.
    """
    adapter = TimeoutAdapter(timeout=0)
    with requests.Session() as session:
        request = session.prepare_request(requests.Request("GET", X))
        try:
            chosen = session.merge_environment_settings(X, {}, stream=False, verify=None, cert=None)
            verify, cert = chosen["verify"], chosen["cert"]
            pool = adapter.get_connection_with_tls_context(request, verify, chosen["proxies"], cert)
            adapter.cert_verify(pool, X, verify, cert)  # type: ignore[no-untyped-call]
            if isinstance(verify, str):
                _find_certificates(Path(verify))
            proxy = urllib3.util.parse_url(select_proxy(X, chosen["proxies"]) or "")
            (proxy.host or "").encode("idna")  # as a connection does
            if proxy.host and not HOST.fullmatch(proxy.host):
                raise requests.exceptions.InvalidProxyURL  # for example one in quotes
        except (OSError, *ODD, urllib3.exceptions.HTTPError) as error:
            raise adapter._explain(error, None) from error
    return f"through the proxy {proxy.host}" if proxy.host else "without a proxy"


def _find_certificates(path: Path) -> None:
    """Raises OSError if the file, or folder in OpenSSL's layout, has no certificates."""
    if not path.is_dir():
        ssl.create_default_context(cafile=path)
    elif not any(HASHED.fullmatch(file.name) for file in path.iterdir()):
        raise FileNotFoundError("no certificates")
