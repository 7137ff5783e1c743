"""X as the bot sees it: a TLS server on the loopback that is as strict as the real one.

An unmodified client reaches it as api.twitter.com, through `HTTPS_PROXY` and `REQUESTS_CA_BUNDLE`::

    with XServer() as x:
        subprocess.run([...], env={**os.environ, **x.environment})
        assert [post["text"] for post in x.timeline] == [...]

It can be told to misbehave: `x.faults.append(Fault("hang", accept=True))`.
"""

from __future__ import annotations

import html
import io
import json
import re
import select
import socket
import ssl
import sys
import tempfile
import threading
import time
import unicodedata
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import trustme
from oauthlib.oauth1 import ResourceEndpoint
from pydantic import SecretStr

from gpt2bot.posting.client import Credentials
from gpt2bot.tweets.length import twitter_text
from tests.fakes.connect_proxy import ConnectProxy, reset
from tests.fakes.oauth import Validator
from tests.fakes.waiting import HANG, longer_and_longer

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "api.twitter.com"
USER_ID = "1380000000000000001"
USERNAME = "a_bot"
KEYS = {
    "consumer_key": "cKt7uGfVnq2LxW9sRb4mYz1Ae",
    "consumer_secret": "cS5pQw8NvXk3JtBhLz0RyUe6MdGf2Ca9SiTo7KxWq4VnPbHj1E",
    "access_token": f"{USER_ID}-aT6rDfKs9WqLmXzYbNcVgHtJpQeRuI",
    "access_token_secret": "aS2mZxTcVbNqWjKl4HgFdSpOiUyTr8EwQzXcVbNm6LkJh",
}


def credentials(**changes: str) -> Credentials:
    """The right keys, but for these."""
    return Credentials(**{name: SecretStr(key) for name, key in {**KEYS, **changes}.items()})


LIMIT, WINDOW = 100, 900  # posts in seconds
# Those of X's that a bot which posts texts could use.
CREATE_FIELDS = {"made_with_ai", "nullcast", "reply_settings", "text"}
ME_PARAMETERS = {"expansions", "tweet.fields", "user.fields"}
TIMELINE_PARAMETERS = {"max_results", "pagination_token", "start_time", "tweet.fields"}
TIME = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class Fault:
    """How the next request goes wrong.

    Attributes:
        what: "answer" with `status`, "hang" until the client leaves, "drop" or "reset" the
            connection, or "wait" and then answer as usual.
        accept: Whether the request takes effect before that, if it is a good one.
        method: The method of the requests it waits for.
        until: What is waited for before anything of this happens.
        unread: Whether it happens before the body of the request is read.
        cut: How many bytes of the right answer are sent before it happens.
    """

    what: str
    accept: bool = False
    method: str = "POST"
    status: int = 500
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    until: threading.Event | None = None
    unread: bool = False
    cut: int = 0


class ProblemError(Exception):
    """An answer other than a success."""

    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank") -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"title": title, "detail": detail, "type": kind, "status": status}


def not_enrolled() -> ProblemError:
    """What X says of a request that the app's plan does not include."""
    problem = ProblemError(
        403,
        "Client Forbidden",
        "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens"
        " from a Twitter developer App that is attached to a Project.",
        "https://api.twitter.com/2/problems/client-forbidden",
    )
    problem.body |= {
        "client_id": "31",
        "reason": "client-not-enrolled",
        "required_enrollment": "Appropriate Level of API Access",
        "registration_url": "https://developer.twitter.com/en/docs/projects/overview",
    }
    return problem


def invalid(detail: str) -> ProblemError:
    kind = "https://api.twitter.com/2/problems/invalid-request"
    return ProblemError(400, "Invalid Request", detail, kind)


class XServer(ThreadingHTTPServer):
    """One account at X, its app, and what it posted.

    Attributes:
        environment: What a process needs to reach it, with the right keys as settings of gpt2bot,
            and with the word of an owner who lets the bundled model post.
        timeline: The accepted posts, the oldest first, with the text as it was sent.
        requests: Method and path of every request, however it ended.
        faults: What goes wrong, in this order.
        arrived: Set when a POST has come in whole, and taken effect if it does.
        waiting: Set when a request has come in whole, and waits for `Fault.until`.
        read_only: Whether the token was made while the app was read-only.
        plan_lacks: What the app's plan does not include: "me", "timeline", or both.
        refuses_duplicates: Whether it does, as X does for some hours after a post.
        tls: Its certificate; `certified` makes others.
        remaining: How many posts are left before the limit is reached.
        reset: When that limit ends, in seconds since 1970.
        errors: What went wrong in the server itself; must stay empty.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.timeline: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.faults: deque[Fault] = deque()
        self.arrived = threading.Event()
        self.waiting = threading.Event()
        self.read_only = False
        self.plan_lacks: set[str] = set()
        self.refuses_duplicates = True
        self.remaining = LIMIT
        self.reset = int(time.time()) + WINDOW
        self.errors: list[BaseException] = []
        self.lock = threading.Lock()
        self.oauth = ResourceEndpoint(Validator(KEYS))
        self.connections: set[socket.socket] = set()
        self._authority = trustme.CA()
        self.tls = self.certified(HOST)
        self._exit = ExitStack()

    def __enter__(self) -> XServer:
        folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory()))
        self._authority.cert_pem.write_to_path(folder / "ca.pem")
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        self.proxy = self._exit.enter_context(ConnectProxy(HOST, self.server_address[1]))
        self._exit.callback(self.proxy.shutdown)
        self.environment = {
            "HTTPS_PROXY": self.proxy.url,
            "https_proxy": self.proxy.url,  # wins where it is set
            "NO_PROXY": "",
            "no_proxy": "",
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
            "GPT2BOT_MODEL": "demo",
            **{f"GPT2BOT_X__{name.upper()}": value for name, value in KEYS.items()},
        }
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._exit.close()
        assert not self.errors, self.errors

    def certified(self, host: str) -> ssl.SSLContext:
        """What a server needs to pass for a host."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        return context

    def restart(self, pause: float = 0) -> None:
        """Ends, which cuts all connections, and begins again with the same account elsewhere."""
        new = socket.create_server(("127.0.0.1", 0))  # while the old port is not free
        self.shutdown()
        self.server_close()
        with self.lock:
            for connection in self.connections:
                with suppress(OSError):
                    # Not that of TLS, which is not made for two threads.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        time.sleep(pause)
        self.socket = new
        self.server_address = self.socket.getsockname()
        self.proxy.local_port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        # The handshake is done by the thread of the connection.
        connection = self.tls.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        with self.lock:
            self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self.lock:
            self.connections.discard(request)
        super().shutdown_request(request)

    def timeouts(self) -> Iterator[float]:
        """Timeouts for a client that is to send a request and to wait for the answer in vain.

        They get longer until a request has arrived: how long a connection takes depends on the
        machine.
        """
        known = len(self.requests)
        for timeout in longer_and_longer():
            yield timeout
            assert self.proxy.wait_until_idle(HANG)
            if len(self.requests) > known:
                return
        raise AssertionError("no request has arrived")

    @property
    def texts(self) -> list[str]:
        return [post["text"] for post in self.timeline]

    def handle_error(self, *_: object) -> None:
        """Clients may break off; anything else is a mistake in this file."""
        error = sys.exc_info()[1]
        if error and not isinstance(error, OSError):
            self.errors.append(error)

    def accept(self, text: str) -> dict[str, Any]:
        """Puts a post on the timeline, as if it had been sent."""
        number = 1990000000000000000 + 1000 * len(self.timeline)
        post = {"id": str(number), "text": text, "time": time.time()}
        self.timeline.append(post)
        return post

    def create(self, sent: Any) -> dict[str, Any]:
        """POST /2/tweets: the checks of X, then the post."""
        if not isinstance(sent, dict) or not sent:
            raise invalid("The body is not a JSON object.")
        if unknown := set(sent) - CREATE_FIELDS:
            raise invalid(f"$.{min(unknown)}: is not defined in the schema")
        text = sent.get("text")
        if not isinstance(text, str) or not text.strip():
            raise invalid("$.text: string is required")
        if self.read_only:
            raise ProblemError(
                403,
                "Forbidden",
                "Your client app is not configured with the appropriate oauth1 app permissions"
                " for this endpoint.",
                "https://api.twitter.com/2/problems/oauth1-permissions",
            )
        if self.remaining <= 0:
            raise ProblemError(429, "Too Many Requests", "Too Many Requests")
        self.remaining -= 1
        text = unicodedata.normalize("NFC", text).strip()
        if twitter_text().parse_tweet(text).weightedLength > 280:
            raise ProblemError(403, "Forbidden", "Your Tweet text is too long.")
        if self.refuses_duplicates and text in self.texts:
            duplicate = "You are not allowed to create a Tweet with duplicate content."
            raise ProblemError(403, "Forbidden", duplicate)
        return {"data": _shown(self.accept(text))}

    def me(self, parameters: dict[str, str]) -> dict[str, Any]:
        """GET /2/users/me: whose keys these are."""
        if unknown := set(parameters) - ME_PARAMETERS:
            raise invalid(f"The query parameter [{min(unknown)}] is not one of X's")
        if "me" in self.plan_lacks:
            raise not_enrolled()
        return {"data": {"id": USER_ID, "name": "A bot", "username": USERNAME}}

    def read(self, user_id: str, parameters: dict[str, str]) -> dict[str, Any]:
        """GET /2/users/:id/tweets: the newest first, in pages."""
        if "timeline" in self.plan_lacks:
            raise not_enrolled()
        if unknown := set(parameters) - TIMELINE_PARAMETERS:
            raise invalid(f"The query parameter [{min(unknown)}] is not one of X's")
        size = int(parameters.get("max_results", "10"))
        if not 5 <= size <= 100:
            raise invalid(f"The `max_results` query parameter value [{size}] is not in 5..100")
        since = 0.0
        if "start_time" in parameters:
            since = datetime.strptime(parameters["start_time"], f"{TIME}%z").timestamp()
            if since > time.time():
                raise invalid("Invalid 'start_time': must be before now")
        if user_id != USER_ID:
            return {"meta": {"result_count": 0}}
        posts = [post for post in reversed(self.timeline) if post["time"] >= since]
        start = int(parameters.get("pagination_token", "0"))
        page = posts[start : start + size]
        meta = {"result_count": len(page)}
        if start + size < len(posts):
            meta["next_token"] = str(start + size)
        fields = parameters.get("tweet.fields", "").split(",")
        data = [_shown(post, with_time="created_at" in fields) for post in page]
        return {"data": data, "meta": meta} if data else {"meta": meta}


def _shown(post: dict[str, Any], *, with_time: bool = False) -> dict[str, Any]:
    """A post as X returns it: its text is escaped for HTML."""
    text = html.escape(post["text"], quote=False)
    shown = {"id": post["id"], "text": text, "edit_history_tweet_ids": [post["id"]]}
    if with_time:
        moment = datetime.fromtimestamp(post["time"], timezone.utc)
        shown["created_at"] = f"{moment:{TIME}}Z"
    return shown


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: XServer

    def do_POST(self) -> None:
        x = self.server
        with x.lock:
            x.requests.append((self.command, self.path))
            waits = x.faults and x.faults[0].method == self.command
            fault = x.faults.popleft() if waits else Fault("wait", accept=True)
        body = b"" if fault.unread else self._body()
        status, answer = 0, b""
        if fault.until:
            x.waiting.set()
            fault.until.wait(HANG)
        if fault.accept:
            with x.lock:
                status, answer = self._carry_out(body)
        if self.command == "POST":
            x.arrived.set()
        self._end(fault, status, answer)

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client broke off")
        return body

    def _end(self, fault: Fault, status: int, answer: bytes) -> None:
        """Answers, or does what a fault says instead."""
        if fault.what == "answer":
            self._reply(fault.status, fault.body, fault.headers)
        elif fault.what == "wait":
            self._reply(status, answer, {})
        else:
            self.close_connection = True
            if fault.cut:
                whole, self.wfile = self.wfile, io.BytesIO()
                self._reply(status, answer, {})
                whole.write(self.wfile.getvalue()[: fault.cut])
                self.wfile = whole
            if fault.what == "hang":
                select.select([self.connection], [], [], HANG)
            if fault.what == "reset":
                reset(self.connection)
            else:
                self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Stays silent."""

    def _carry_out(self, body: bytes) -> tuple[int, bytes]:
        """Does what is asked, if it may be, and says how X answers."""
        try:
            status, answer = 200 + (self.command == "POST"), self._route(body)
        except ValueError as error:  # a number, a time or JSON that is none
            status, answer = 400, invalid(str(error)).body
        except ProblemError as problem:
            status, answer = problem.status, problem.body
        return status, json.dumps(answer).encode("ascii")

    def _route(self, body: bytes) -> dict[str, Any]:
        signed, _ = self.server.oauth.validate_protected_resource_request(
            f"https://{HOST}{self.path}", self.command, body.decode(), dict(self.headers)
        )
        if not signed:
            raise ProblemError(401, "Unauthorized", "Unauthorized")
        url = urlsplit(self.path)
        if (self.command, url.path) == ("POST", "/2/tweets"):
            if self.headers.get("Content-Type") != "application/json":
                raise invalid("The body is not declared as application/json.")
            return self.server.create(json.loads(body))
        if (self.command, url.path) == ("GET", "/2/users/me"):
            return self.server.me(dict(parse_qsl(url.query)))
        if self.command == "GET" and (match := re.fullmatch("/2/users/([0-9]+)/tweets", url.path)):
            return self.server.read(match[1], dict(parse_qsl(url.query)))
        raise ProblemError(404, "Not Found", "Not Found")

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        x = self.server
        usual = {
            "Date": self.date_time_string(),
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "x-access-level": "read" if x.read_only else "read-write",
            "x-rate-limit-limit": str(LIMIT),
            "x-rate-limit-remaining": str(x.remaining),
            "x-rate-limit-reset": str(x.reset),
        }
        self.send_response_only(status)
        for name, value in (usual | headers).items():
            self.send_header(name, value)
        self.close_connection = "Content-Length" in headers  # a lie: nothing more comes
        self.end_headers()
        self.wfile.write(body)
