"""An images endpoint as vLLM-Omni, SGLang-Diffusion and OpenAI are seen from outside: real HTTP on
loopback, and every answer as the test wants it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

MODEL = "Qwen/Qwen-Image"


@dataclass
class Asked:
    """A request: its path, its JSON, and whether whoever asked has gone."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    gone: Callable[[], bool]


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Any, status: int = 200, **headers: str) -> Reply:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(document).encode(), headers)


Answer = Callable[[Asked], Reply | None]


def file_of(image: Image.Image, format: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, format)
    return out.getvalue()


def flat(asked: Asked) -> Image.Image:
    """A picture of one colour: of the prompt and the seed, in the size that was asked for."""
    said = f"{asked.body['prompt']} {asked.body.get('seed')}".encode()
    width, height = map(int, asked.body.get("size", "64x64").split("x"))
    return Image.new("RGB", (width, height), "#" + hashlib.sha256(said).hexdigest()[:6])


def as_json(content: bytes) -> Reply:
    encoded = base64.b64encode(content).decode()
    return Reply.of({"created": 1, "data": [{"b64_json": encoded, "url": None}]})


def takes_all(asked: Asked) -> Reply:
    """As vLLM-Omni: every field that we know of."""
    return as_json(file_of(flat(asked)))


def takes_only(*known: str) -> Answer:
    """As OpenAI: the first field that is not known is refused by its name."""

    def answer(asked: Asked) -> Reply:
        for name in asked.body:
            if name not in known:
                message = f"Unknown parameter: '{name}'."
                error = {"message": message, "param": name, "code": "unknown_parameter"}
                return Reply.of({"error": error}, 400)
        return takes_all(asked)

    return answer


def forbids(*unknown: str) -> Answer:
    """As FastAPI with models that forbid what is not theirs: all such fields at once."""

    def answer(asked: Asked) -> Reply:
        detail = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs", "input": 1}
            for name in asked.body
            if name in unknown
        ]
        return Reply.of({"detail": detail}, 422) if detail else takes_all(asked)

    return answer


class ImagesServer:
    """The endpoint. `answer` paints (None breaks the connection off), `models` is its list."""

    def __init__(self) -> None:
        self.answer: Answer = takes_all
        self.models: Reply = Reply.of({"object": "list", "data": [{"id": MODEL}]})
        self.files: dict[str, bytes] = {}
        self.token = ""
        self.asked: queue.Queue[Asked] = queue.Queue()
        self.paths: list[str] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def replies(self, *replies: Reply | Answer) -> None:
        """The next requests are answered so, and the last answer stays."""
        left = list(replies)

        def answer(asked: Asked) -> Reply | None:
            reply = left.pop(0) if len(left) > 1 else left[0]
            return reply if isinstance(reply, Reply) else reply(asked)

        self.answer = answer

    def bodies(self) -> list[dict[str, Any]]:
        """What was asked for since this was last called."""
        found = []
        while not self.asked.empty():
            found.append(self.asked.get_nowait().body)
        return found


@contextmanager
def open_images_server(port: int = 0, server: ImagesServer | None = None) -> Iterator[ImagesServer]:
    images = server or ImagesServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            images.paths.append(self.path)
            if not self._admitted():
                return
            if self.path == "/v1/models":
                self._reply(images.models)
            elif self.path in images.files:
                self._reply(Reply(200, images.files[self.path], {"Content-Type": "image/png"}))
            else:
                self._reply(Reply(404))

        def do_POST(self) -> None:
            images.paths.append(self.path)
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self._admitted():
                return
            asked = Asked(self.path, body, dict(self.headers), self._gone)
            images.asked.put(asked)
            reply = images.answer(asked) if self.path == "/v1/images/generations" else Reply(404)
            if reply is None:
                self.close_connection = True
                self.connection.shutdown(2)
            else:
                self._reply(reply)

        def _admitted(self) -> bool:
            wanted = f"Bearer {images.token}"
            if images.token and self.headers.get("Authorization") != wanted:
                self._reply(Reply.of({"error": {"message": "Incorrect API key."}}, 401))
                return False
            return True

        def _reply(self, reply: Reply) -> None:
            try:
                self.send_response(reply.status)
                headers = {"Content-Type": "application/json", **reply.headers}
                headers.setdefault("Content-Length", str(len(reply.body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:
                self.close_connection = True  # whoever asked did not wait

        def _gone(self) -> bool:
            """Waits until whoever asked has hung up."""
            try:
                return self.connection.recv(1) == b""
            except OSError:
                return True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, *_: Any) -> None:
            pass  # whoever asked hung up

    with Server(("127.0.0.1", port), Handler) as listening:
        images.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield images
        finally:
            listening.shutdown()
            thread.join()
