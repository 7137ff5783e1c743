"""A file server on the loopback that answers as a storage bucket does, and fails when told to.

It knows HEAD and GET, `Range` with `If-Range`, `ETag`, `Last-Modified` and `Content-MD5`, and sends
compressed what may be compressed.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True)
class Fault:
    """How one answer differs from the right one.

    Attributes:
        status: Another status than the right one; without a `body`, none is sent.
        headers: Headers that replace the right ones; None leaves one out.
        body: Other contents than the right ones.
        cut: The connection is closed after this many bytes.
        stall: No byte follows this many, until the server is closed.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    stall: int | None = None


@dataclass
class Bucket:
    """The server's files, its planned faults and what it was asked.

    Attributes:
        files: Contents by path, such as `124M/hparams.json`.
        faults: The faults of the next answers, by method and path; None is no fault.
        asked: Method, path and `Range` of each request.
        sent: Path and number of bytes of each body.
        leave_out: Headers that are never sent.
        last_modified: When every file was last changed.
        has_range: Whether it knows `Range`.
        has_if_range: Whether it knows `If-Range`.
        stalled: Is set once the server has begun to stall.
    """

    files: dict[str, bytes]
    faults: dict[tuple[str, str], Iterator[Fault | None]] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)
    leave_out: Sequence[str] = ()
    last_modified: str = "Wed, 20 Feb 2019 12:00:00 GMT"
    has_range: bool = True
    has_if_range: bool = True
    stalled: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @contextlib.contextmanager
    def serve(self, tls: ssl.SSLContext | None = None) -> Iterator[Bucket]:
        """Answers in threads, until the end of the context."""

        class Handler(_Handler):
            bucket = self

        server = _Server(("127.0.0.1", 0), Handler)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def ranges(self, path: str) -> list[str | None]:
        """The `Range` of each GET of a file, in order."""
        return [range_ for method, asked, range_ in self.asked if (method, asked) == ("GET", path)]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that go away."""


class _Handler(BaseHTTPRequestHandler):
    bucket: Bucket

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        bucket, path = self.bucket, self.path.lstrip("/")
        bucket.asked.append((self.command, path, self.headers["Range"]))
        fault = next(bucket.faults.get((self.command, path), iter(())), None) or Fault()
        content = bucket.files.get(path) if fault.body is None else fault.body
        if content is None or (fault.status and fault.body is None):
            self._send(fault.status or 404, {"Content-Length": "0", **fault.headers})
            return
        headers = {
            "Content-Type": "application/octet-stream",
            "Accept-Ranges": "bytes",
            "ETag": f'"{hashlib.sha1(bucket.files[path]).hexdigest()}"',
            "Last-Modified": bucket.last_modified,
            "Content-MD5": base64.b64encode(hashlib.md5(bucket.files[path]).digest()).decode(),
        }
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            content = gzip.compress(content)
            headers["Content-Encoding"] = "gzip"
        start = self._start(headers)
        if start >= len(content):
            self._send(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            del headers["Content-MD5"]  # it would be that of the part
        headers["Content-Length"] = str(len(content) - start)
        for name in bucket.leave_out:
            headers.pop(name, None)
        self._send(fault.status or (206 if start else 200), {**headers, **fault.headers})
        if self.command == "GET":
            self._send_body(path, content[start:], fault)

    def _start(self, headers: Mapping[str, str]) -> int:
        wanted, condition = self.headers["Range"], self.headers["If-Range"]
        is_same = condition in (None, headers["ETag"], headers["Last-Modified"])
        if not wanted or not self.bucket.has_range or (self.bucket.has_if_range and not is_same):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def _send(self, status: int, headers: Mapping[str, str | None]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _send_body(self, path: str, body: bytes, fault: Fault) -> None:
        body = body[: fault.cut if fault.stall is None else fault.stall]
        self.bucket.sent.append((path, len(body)))
        self.wfile.write(body)
        if fault.stall is not None:
            self.bucket.stalled.set()
            self.bucket.closing.wait()
