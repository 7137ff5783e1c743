"""A small HTTP proxy that knows one host and tunnels it to a port of this machine."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from contextlib import suppress
from typing import Any


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Tunnels CONNECT requests for one host to a local port, and refuses all others.

    Attributes:
        url: What clients take for `HTTPS_PROXY`.
        local_port: Where a tunnel leads.
        status: How it answers; any but a 200 refuses.
        resets: Whether it resets a tunnel instead of passing on its first byte.
        idle: Notified when a tunnel ends; `wait_until_idle` waits for the last one.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.target = f"{host}:443"
        self.local_port = port
        self.status = "200 Connection established"
        self.resets = False
        self.tunnels = 0
        self.idle = threading.Condition()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def wait_until_idle(self, timeout: float) -> bool:
        """Waits until what was sent has been answered or given up; tells whether it was."""
        with self.idle:
            return self.idle.wait_for(lambda: not self.tunnels, timeout)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.idle:
            self.tunnels += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self.idle:
            self.tunnels -= 1
            self.idle.notify_all()

    def handle_error(self, *_: object) -> None:
        """Says nothing of clients that go away."""


def reset(connection: socket.socket) -> None:
    """Ends a TCP connection with RST: the other side learns nothing but that it is broken."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not `close`, which waits until no file made of the socket is open.
    socket.close(connection.detach())


class _Tunnel(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    rbufsize = 0  # what follows the request belongs to the tunnel
    server: ConnectProxy
    is_broken = False

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().decode("ascii").split()
        while self.rfile.readline().strip():
            pass
        if (method, target) != ("CONNECT", self.server.target):
            self._answer("403 Forbidden")
        elif not self.server.status.startswith("200"):
            self._answer(self.server.status)
        else:
            self._tunnel()

    def _answer(self, status: str) -> None:
        self.wfile.write(f"HTTP/1.1 {status}\r\n\r\n".encode("ascii"))

    def _tunnel(self) -> None:
        try:
            upstream = socket.create_connection(("127.0.0.1", self.server.local_port))
        except OSError:
            self._answer("502 Bad gateway")
            return
        with upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._answer(self.server.status)
            if self.server.resets:
                self.connection.recv(1)
                reset(self.connection)
                return
            back = threading.Thread(target=self._pass_back, args=(upstream,), daemon=True)
            back.start()
            with suppress(OSError):
                while data := self.connection.recv(65536):
                    upstream.sendall(data)
            with suppress(OSError):
                upstream.shutdown(socket.SHUT_WR)
            back.join()
        if self.is_broken:
            reset(self.connection)

    def _pass_back(self, upstream: socket.socket) -> None:
        """Passes on what the server sends, and that no more comes: as an end, or as a reset."""
        with suppress(OSError):
            try:
                while data := upstream.recv(65536):
                    self.connection.sendall(data)
                self.connection.shutdown(socket.SHUT_WR)
            except ConnectionResetError:
                self.is_broken = True
                self.connection.shutdown(socket.SHUT_RD)  # ends the wait for more from the client
