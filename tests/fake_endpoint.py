"""A small OpenAI-compatible server on loopback that misbehaves on demand; for the tests of rewriting."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """What the server answers: a status, headers, a body (None: a chat completion of `text`), after `delay_s`."""

    text: str = "hello"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay_s: float = 0.0
    finish_reason: str = "stop"


@dataclass
class Fake:
    """The server's memory. `reply` decides by the request's body and how often this body was seen before."""

    reply: Callable[[dict[str, Any], int], Reply]
    seen: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    under_way: int = 0
    most_under_way: int = 0
    listed: int = 200
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, body: dict[str, Any], key: str) -> int:
        name = json.dumps(body, sort_keys=True)
        with self.lock:
            self.keys.add(key)
            self.requests.append(body)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.seen[name] += 1
            return self.seen[name] - 1

    def leave(self) -> None:
        with self.lock:
            self.under_way -= 1


def completion(reply: Reply) -> bytes:
    message = {"role": "assistant", "content": reply.text}
    return json.dumps({
        "id": "x", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }).encode()  # fmt: skip


def handler(fake: Fake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Silence."""

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer(fake.listed, b'{"object": "list", "data": []}', {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            reply = fake.reply(body, fake.enter(body, self.headers.get("authorization", "")))
            time.sleep(reply.delay_s)
            fake.leave()
            with contextlib.suppress(ConnectionError):
                self.answer(reply.status, completion(reply) if reply.body is None else reply.body, reply.headers)

    return Handler


@contextlib.contextmanager
def serve(reply: Callable[[dict[str, Any], int], Reply]) -> Iterator[Fake]:
    """The fake at `fake.url` for as long as the block runs."""
    fake = Fake(reply)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(fake))
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
