"""A small HTTP proxy that knows one host and tunnels it to a port of this machine."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress


class ConnectProxy(socketserver.ThreadingTCPServer):
    """Tunnels CONNECT requests for one host to a local port, and refuses all others."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.target = f"{host}:443"
        self.local_port = port
        self.status = "200 Connection established"  # any other refuses
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Tunnel(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    rbufsize = 0  # what follows the request belongs to the tunnel
    server: ConnectProxy

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().decode("ascii").split()
        while self.rfile.readline().strip():
            pass
        status = self.server.status
        if (method, target) != ("CONNECT", self.server.target):
            status = "403 Forbidden"
        self.wfile.write(f"HTTP/1.1 {status}\r\n\r\n".encode("ascii"))
        if not status.startswith("200"):
            return
        with socket.create_connection(("127.0.0.1", self.server.local_port)) as upstream:
            back = threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True)
            back.start()
            _copy(self.connection, upstream)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Passes on what comes, and that no more comes."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
