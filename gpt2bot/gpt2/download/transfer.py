"""Downloads files from one folder of a web server, and resumes after an interruption.

Requests use `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14.2). A file is accepted only if
it has the length that the server stated, and the `Content-MD5` if the server stated one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from gpt2bot import __version__
from gpt2bot.errors import CheckpointError, ModelMissingError, NetworkError, UsageError
from gpt2bot.gpt2.download.remote_file import (
    RemoteFile,
    announces_page,
    is_page,
    md5_of,
    sent_md5,
    sent_validator,
    size_of,
)
from gpt2bot.proxy import ODD, proxy_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import requests

T = TypeVar("T")

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16  # bytes; the most that a broken connection loses


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a server, and how often to try again.

    Attributes:
        timeout: Seconds without an answer or a new byte after which to give up a connection.
        tries: Failures in a row without a new byte after which to give up a file.
        first_wait: Seconds before the second try. Each further wait is twice as long.
        longest_wait: The longest wait in seconds. If a server asks for a longer one, the download
            fails.
    """

    timeout: float = 30.0
    tries: int = 6
    first_wait: float = 1.0
    longest_wait: float = 120.0


class _BrokenError(Exception):
    """The server cannot be reached right now; another try may succeed."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _DamagedError(Exception):
    """The file that arrived does not match what the server said about it."""


class Server:
    """A folder of files on a web server, as a context manager that closes the connections."""

    def __init__(self, base_url: str, *, retry_policy: RetryPolicy) -> None:
        """Prepares the connection without sending anything.

        Raises:
            UsageError: `base_url` is not an http or https URL.
        """
        import requests

        scheme, self.host = _scheme_and_host(base_url)
        self._base_url = base_url
        self._retry_policy = retry_policy
        self._session = requests.Session()
        # With compression, Content-Length would not be the length of the file.
        self._session.headers.update(
            {"User-Agent": f"gpt2bot/{__version__}", "Accept-Encoding": "identity"}
        )
        if scheme == "https":
            del self._session.adapters["http://"]  # no redirect may leave TLS

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def describe(self, name: str) -> RemoteFile:
        """Asks the server about a file.

        Raises:
            ModelMissingError: The server does not have it, or refuses to send it.
            NetworkError: The server cannot be reached, or its answer makes no sense.
        """
        return self._retry(lambda: self._describe(name), progress=lambda: 0)

    def fetch(self, remote: RemoteFile, path: Path) -> RemoteFile:
        """Downloads a file to `path`; bytes that are already there count as its beginning.

        Returns:
            What the server says about the file that arrived: `remote`, unless the file has changed
            on the server in the meantime.

        Raises:
            CheckpointError: It arrived damaged twice. It is deleted.
            ModelMissingError: The server does not have it, or refuses to send it.
            NetworkError: The server can no longer be reached. The bytes that arrived are kept.
            OSError: `path` cannot be written. The bytes that arrived are kept.
        """
        for is_last in (False, True):
            try:
                self._fetch(remote, path)
                break
            except _DamagedError as error:
                path.unlink(missing_ok=True)
                if is_last:
                    raise CheckpointError(
                        f"{remote.name} arrived damaged twice and was deleted: {error}; run the "
                        "same command again, or try another base URL"
                    ) from error
                logger.info("%s arrived damaged, downloading it again: %s", remote.name, error)
                remote = self.describe(remote.name)
        return remote

    def _fetch(self, remote: RemoteFile, path: Path) -> None:
        self._retry(lambda: self._receive(remote, path), progress=lambda: size_of(path))
        self._check(remote, path)

    def _retry(self, act: Callable[[], T], progress: Callable[[], int]) -> T:
        """Retries `act` after failures, until too many in a row bring no progress."""
        failures, furthest = 0, progress()
        while True:
            try:
                return act()
            except _BrokenError as error:
                if progress() > furthest:
                    failures, furthest = 0, progress()
                failures += 1
                longest = self._retry_policy.longest_wait
                wait = min(self._retry_policy.first_wait * 2 ** (failures - 1), longest)
                if error.retry_after is not None:
                    wait = error.retry_after
                if failures == self._retry_policy.tries or wait > longest:
                    raise NetworkError(f"{error}; run the same command later to resume") from error
                logger.info("%s; trying again in %g s", error, wait)
            time.sleep(wait)

    def _describe(self, name: str) -> RemoteFile:
        with self._ask("HEAD", name, {}) as response:
            headers = response.headers
            length = headers.get("Content-Length", "")
            if response.status_code != 200 or not length.isdecimal() or int(length) == 0:
                raise NetworkError(f"{self.host} does not state the length of {name}")
            return RemoteFile(name, int(length), sent_validator(headers), sent_md5(headers))

    def _receive(self, remote: RemoteFile, path: Path) -> None:
        from tqdm import tqdm

        offset = size_of(path) if remote.validator else 0
        if offset == remote.length:
            return
        wanted = {"Range": f"bytes={offset}-", "If-Range": str(remote.validator)} if offset else {}
        with self._ask("GET", remote.name, wanted) as response:
            if response.status_code != 206:
                offset = 0
            self._refuse_other_file(remote, offset, response)
            with (
                path.open("ab" if offset else "wb") as file,
                tqdm(
                    desc=remote.name,
                    initial=offset,
                    total=remote.length,
                    unit="B",
                    unit_scale=True,
                    dynamic_ncols=True,
                    disable=None,  # no bar unless stderr is a terminal
                ) as bar,
            ):
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
                file.flush()
                os.fsync(file.fileno())

    @contextlib.contextmanager
    def _ask(
        self, method: str, name: str, headers: Mapping[str, str]
    ) -> Iterator[requests.Response]:
        """Yields the answer to a request, and turns errors in sending or reading into our own."""
        import requests
        from urllib3.exceptions import HTTPError

        url, timeout = f"{self._base_url}/{name}", self._retry_policy.timeout
        has_answered = False
        try:
            with self._session.request(
                method, url, headers=headers, timeout=timeout, stream=True, allow_redirects=True
            ) as response:
                has_answered = True
                self._refuse_errors(name, response)
                yield response
        except (requests.RequestException, HTTPError, *ODD) as error:
            raise self._explain(error, name, has_answered=has_answered) from error

    def _explain(self, error: Exception, name: str, *, has_answered: bool) -> Exception:
        """What a failure before the end of the answer means."""
        import requests

        broken = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
        if has_answered and not isinstance(error, requests.RequestException):
            return error  # an error of the code that reads the answer
        if isinstance(error, requests.Timeout):
            return _BrokenError(f"no answer from {self.host} in {self._retry_policy.timeout:g} s")
        if not has_answered and (fault := proxy_fault(error, self._base_url, self.host)):
            kind = NetworkError if fault.is_lasting else _BrokenError
            return kind(f"{fault.what}: {fault.advice}")
        if isinstance(error, requests.exceptions.InvalidSchema):
            what = f"{self.host} redirects to an insecure URL"
        elif has_answered and isinstance(error, broken):
            return _BrokenError(f"the connection to {self.host} broke")
        elif isinstance(error, requests.exceptions.SSLError):
            what = f"{self.host} has no certificate that this machine trusts"
        elif isinstance(error, broken):
            return _BrokenError(f"cannot connect to {self.host} (is the network up?)")
        else:  # its text may contain a password from the URL
            what = f"cannot fetch {name} from {self.host}: {type(error).__name__}"
        return NetworkError(what)

    def _refuse_errors(self, name: str, response: requests.Response) -> None:
        status = response.status_code
        answer = f"{self.host} answered {status} {response.reason} for {name}"
        if status == 429 or status >= 500:
            wait = _retry_after(response.headers)
            asks = f" and asks to wait {wait:.0f} s" if wait else ""
            raise _BrokenError(answer + asks, wait)
        if status == 407:
            raise NetworkError(f"{answer}: the proxy asks for a user name and a password")
        if status >= 400 and status != 416:  # 416: the file is shorter than it was
            raise ModelMissingError(f"{answer}; check the base URL, or try another one")
        if announces_page(response.headers):
            raise self._page_error(name)

    def _refuse_other_file(
        self, remote: RemoteFile, offset: int, response: requests.Response
    ) -> None:
        """Refuses an answer that is not the rest of the file that the server described."""
        headers = response.headers
        expected = {"Content-Length": str(remote.length - offset)}
        if response.status_code == 206:
            expected["Content-Range"] = f"bytes {offset}-{remote.length - 1}/{remote.length}"
        for field, value in expected.items():
            if headers.get(field) != value:
                raise _DamagedError(f"{field} is {headers.get(field)}, expected {value}")
        # A server that ignores If-Range may send the rest of another version.
        if response.status_code == 206 and sent_validator(headers) not in (None, remote.validator):
            raise _DamagedError("it changed on the server in the meantime")

    def _check(self, remote: RemoteFile, path: Path) -> None:
        if size_of(path) != remote.length:
            raise _DamagedError(f"it has {size_of(path)} bytes, expected {remote.length}")
        if is_page(path):
            path.unlink()
            raise self._page_error(remote.name)
        if remote.md5 and md5_of(path) != remote.md5:
            raise _DamagedError(f"its MD5 is {md5_of(path)}, expected {remote.md5}")

    def _page_error(self, name: str) -> NetworkError:
        return NetworkError(
            f"{self.host} sent a web page instead of {name}: does the network require a login, or "
            "is the base URL wrong?"
        )


def _scheme_and_host(base_url: str) -> tuple[str, str]:
    with contextlib.suppress(ValueError):
        url = urlsplit(base_url)
        if url.scheme in ("http", "https") and url.hostname:
            return url.scheme, url.hostname
    # The message omits the URL, which may contain a password.
    raise UsageError("the base URL of a download must start with https:// or http:// and a host")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return Retry().parse_retry_after(headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None
