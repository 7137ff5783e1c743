"""Fetches files from one folder of a web server, and goes on where an interruption left them.

A file is asked for with `Range` and `If-Range` (RFC 9110, sections 13.1.5 and 14.2). It counts only
when it has the length, and the `Content-MD5` if there is one, that the server told before.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from gpt2bot import __version__
from gpt2bot.errors import CheckpointError, ModelMissingError, NetworkError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import requests

T = TypeVar("T")

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16  # bytes; what a broken connection loses at most
_PAGE_TYPES = ("text/html", "application/xhtml+xml", "text/xml", "application/xml")
_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml")


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a server, and how often to come back.

    Attributes:
        timeout: Seconds without an answer, or without a byte, after which a connection is given up.
        tries: Failures in a row, with no new byte between them, after which a file is given up.
        first_wait: Seconds before the second try; each next wait is twice as long.
        longest_wait: Seconds; a server that asks for a longer wait than this is given up.
    """

    timeout: float = 30.0
    tries: int = 6
    first_wait: float = 1.0
    longest_wait: float = 120.0


@dataclass(frozen=True)
class RemoteFile:
    """What a server tells of a file.

    Attributes:
        name: The file's name.
        length: Its bytes.
        validator: What tells this version of the file from others: a strong ETag, else the time of
            the last change; None where the server sends neither.
        md5: The hexadecimal digest; None where the server does not send it.
    """

    name: str
    length: int
    validator: str | None
    md5: str | None


class _BrokenError(Exception):
    """The server is not to be had just now; another try may go well."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _DamagedError(Exception):
    """What came is not what the server had told."""


class Server:
    """A folder of files on a web server; a context manager, which closes the connections."""

    def __init__(self, base_url: str, *, retry_policy: RetryPolicy) -> None:
        """Prepares the connection; nothing is sent yet.

        Raises:
            UsageError: `base_url` is not one of http or https.
        """
        import requests

        scheme, self.host = _scheme_and_host(base_url)
        self._base_url = base_url
        self._retry_policy = retry_policy
        self._session = requests.Session()
        # With compression, the length would not be that of the file.
        self._session.headers.update(
            {"User-Agent": f"gpt2bot/{__version__}", "Accept-Encoding": "identity"}
        )
        if scheme == "https":
            del self._session.adapters["http://"]  # no redirect may lead out of TLS

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def describe(self, name: str) -> RemoteFile:
        """Asks the server about a file.

        Raises:
            ModelMissingError: The server does not have it, or does not give it.
            NetworkError: The server cannot be reached, or its answer makes no sense.
        """
        return self._retry(lambda: self._describe(name), progress=lambda: 0)

    def fetch(self, remote: RemoteFile, path: Path) -> RemoteFile:
        """Makes `path` the whole file, and takes the bytes that are there for its beginning.

        Returns:
            What the server tells of the file that came: `remote`, unless it changed meanwhile.

        Raises:
            CheckpointError: It came damaged, twice; it is deleted.
            ModelMissingError: The server does not have it, or does not give it.
            NetworkError: The server cannot be reached any more; what came is kept.
            OSError: `path` cannot be written; what came is kept.
        """
        for is_last in (False, True):
            try:
                self._fetch(remote, path)
                break
            except _DamagedError as error:
                path.unlink(missing_ok=True)
                if is_last:
                    raise CheckpointError(
                        f"{remote.name} came damaged twice and was deleted: {error}; run the same "
                        "command again, or try another base URL"
                    ) from error
                logger.info("%s was damaged, fetching it once more: %s", remote.name, error)
                remote = self.describe(remote.name)
        return remote

    def _fetch(self, remote: RemoteFile, path: Path) -> None:
        self._retry(lambda: self._receive(remote, path), progress=lambda: size_of(path))
        self._check(remote, path)

    def _retry(self, act: Callable[[], T], progress: Callable[[], int]) -> T:
        """Acts again after a failure, unless too many in a row brought no progress."""
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
                    raise NetworkError(f"{error}; run it later, it goes on where it was") from error
                logger.info("%s; trying again in %g s", error, wait)
            time.sleep(wait)

    def _describe(self, name: str) -> RemoteFile:
        with self._ask("HEAD", name, {}) as response:
            headers = response.headers
            length = headers.get("Content-Length", "")
            if response.status_code != 200 or not length.isdecimal() or int(length) == 0:
                raise NetworkError(f"{self.host} does not tell the length of {name}")
            return RemoteFile(name, int(length), _validator(headers), _md5(headers))

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
                    disable=None,  # where stderr is no terminal
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
        """Gives the answer to a request; what goes wrong until it is read becomes our own error."""
        import requests

        url, timeout = f"{self._base_url}/{name}", self._retry_policy.timeout
        has_answered = False
        try:
            with self._session.request(
                method, url, headers=headers, timeout=timeout, stream=True, allow_redirects=True
            ) as response:
                has_answered = True
                self._refuse_errors(name, response)
                yield response
        except requests.exceptions.InvalidSchema as error:
            raise NetworkError(f"{self.host} redirects to a URL that is not secure") from error
        except requests.Timeout as error:
            raise _BrokenError(f"no answer from {self.host} in {timeout:g} s") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            if has_answered:
                raise _BrokenError(f"the connection to {self.host} broke") from error
            if isinstance(error, requests.exceptions.SSLError):
                raise NetworkError(
                    f"{self.host} has no certificate that is trusted here"
                ) from error
            raise _BrokenError(f"cannot connect to {self.host} (is the network up?)") from error
        except requests.RequestException as error:
            kind = type(error).__name__  # its text may hold a password of the URL
            raise NetworkError(f"cannot fetch {name} from {self.host}: {kind}") from error

    def _refuse_errors(self, name: str, response: requests.Response) -> None:
        status = response.status_code
        answer = f"{self.host} answered {status} {response.reason} for {name}"
        if status == 429 or status >= 500:
            wait = _retry_after(response.headers)
            asks = f" and asks to wait {wait:.0f} s" if wait else ""
            raise _BrokenError(answer + asks, wait)
        if status >= 400 and status != 416:  # 416: the file is shorter than it was
            raise ModelMissingError(f"{answer}; check the base URL, or try another one")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in _PAGE_TYPES:
            raise self._page_error(name)

    def _refuse_other_file(
        self, remote: RemoteFile, offset: int, response: requests.Response
    ) -> None:
        """Refuses an answer that is not the rest of the file that the server told of."""
        headers = response.headers
        expected = {"Content-Length": str(remote.length - offset)}
        if response.status_code == 206:
            expected["Content-Range"] = f"bytes {offset}-{remote.length - 1}/{remote.length}"
        for field, value in expected.items():
            if headers.get(field) != value:
                raise _DamagedError(f"{field} is {headers.get(field)}, expected {value}")
        # A server that does not know If-Range would send the rest of another version.
        if response.status_code == 206 and _validator(headers) not in (None, remote.validator):
            raise _DamagedError("it changed on the server meanwhile")

    def _check(self, remote: RemoteFile, path: Path) -> None:
        if size_of(path) != remote.length:
            raise _DamagedError(f"it has {size_of(path)} bytes, expected {remote.length}")
        if _is_page(path):
            path.unlink()
            raise self._page_error(remote.name)
        if remote.md5 and _md5_of(path) != remote.md5:
            raise _DamagedError(f"its MD5 is {_md5_of(path)}, expected {remote.md5}")

    def _page_error(self, name: str) -> NetworkError:
        return NetworkError(
            f"{self.host} sent a web page in place of {name}: does the network ask for a login, or "
            "is the base URL wrong?"
        )


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.is_file() else 0


def _scheme_and_host(base_url: str) -> tuple[str, str]:
    with contextlib.suppress(ValueError):
        url = urlsplit(base_url)
        if url.scheme in ("http", "https") and url.hostname:
            return url.scheme, url.hostname
    # The URL itself is not shown: it may hold a password.
    raise UsageError("the base URL of a download must begin with https:// (or http://) and a host")


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(100).lstrip().lower().startswith(_PAGE_STARTS)


def _md5_of(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _md5(headers: Mapping[str, str]) -> str | None:
    try:
        return base64.b64decode(headers["Content-MD5"], validate=True).hex()
    except (KeyError, ValueError):
        return None


def _validator(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("ETag", "W/")
    return headers.get("Last-Modified") if etag.startswith("W/") else etag


def _retry_after(headers: Mapping[str, str]) -> float | None:
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return Retry().parse_retry_after(headers["Retry-After"])
    except (KeyError, InvalidHeader):
        return None
