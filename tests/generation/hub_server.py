"""A small hub: folders served by the paths that huggingface_hub asks for, over a real socket."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = 1000  # bytes; as on the hub, larger files are told by their SHA-256
PIECE = 4096  # bytes


@dataclass
class Repository:
    """A folder as the hub knows it.

    gated: whether files are given only to `Hub.token`. licence, base: as its card says.
    """

    folder: Path
    licence: str = "apache-2.0"
    base: str = ""
    gated: bool = False
    revision: str = "a" * 40


@dataclass
class Hub:
    """The server. `served` are the bytes sent for each path, `ranges` those asked for in part.

    stall_after: after so many bytes of a file a connection hangs, and `stalled` is set; `go_on`
        lets those that hang send more.
    cut_after: after so many bytes of a file a connection breaks, once.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    token: str = "let me in"
    served: dict[str, int] = field(default_factory=dict)
    ranges: list[tuple[str, str]] = field(default_factory=list)
    stall_after: int | None = None
    cut_after: int | None = None

    def __post_init__(self) -> None:
        self.stalled = threading.Event()
        self.over = False
        self._moved = threading.Condition()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Ends it; afterwards nothing listens at its address."""
        with self._moved:
            self.over = True
            self._moved.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def go_on(self, stall_after: int) -> None:
        """Let the connections that hang send more, up to this byte."""
        with self._moved:
            self.stall_after = stall_after
            self._moved.notify_all()

    def hold(self, at: int) -> bool:
        """Hang, if a connection that has sent so many bytes of a file is to; whether it may send
        more."""
        with self._moved:
            if self.stall_after is not None and at >= self.stall_after:
                self.stalled.set()
                limit = self.stall_after
                self._moved.wait_for(lambda: self.over or (self.stall_after or 0) > limit)
        return not self.over


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        steps = unquote(urlsplit(self.path).path).strip("/").split("/")
        listing = steps[:2] == ["api", "models"]
        name = "/".join(steps[2:4] if listing else steps[:2])
        repository = self.hub.repositories.get(name)
        if repository is None:
            self._refuse(404, "RepoNotFound")
        elif listing:
            self._list(name, repository)
        elif repository.gated and self.headers["Authorization"] != f"Bearer {self.hub.token}":
            self._refuse(401, "GatedRepo")
        elif steps[2:4] != ["resolve", repository.revision]:
            self._refuse(404, "RevisionNotFound")
        else:
            self._send(repository, "/".join(steps[4:]), body=body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _list(self, name: str, repository: Repository) -> None:
        siblings = []
        for path in sorted(p for p in repository.folder.rglob("*") if p.is_file()):
            content = path.read_bytes()
            entry: dict[str, Any] = {
                "rfilename": path.relative_to(repository.folder).as_posix(),
                "size": len(content),
                "blobId": _git(content),
            }
            if len(content) > LARGE:
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 130}
            siblings.append(entry)
        document = {
            "id": name,
            "sha": repository.revision,
            "private": False,
            "gated": "auto" if repository.gated else False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "cardData": {
                "license": repository.licence,
                **({"base_model": repository.base} if repository.base else {}),
            },
            "siblings": siblings,
        }
        answer = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _send(self, repository: Repository, path: str, *, body: bool) -> None:
        try:
            content = (repository.folder / path).read_bytes()
        except OSError:
            self._refuse(404, "EntryNotFound")
            return
        digest = hashlib.sha256(content).hexdigest() if len(content) > LARGE else _git(content)
        begin = 0
        if asked := self.headers["Range"]:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            self.hub.ranges.append((path, asked))
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Repo-Commit", repository.revision)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if not body:
            return
        for at in range(begin, len(content), PIECE):
            hub = self.hub
            if not hub.hold(at):
                return
            if hub.cut_after is not None and at >= hub.cut_after:
                hub.cut_after = None
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            piece = content[at : at + PIECE]
            self.wfile.write(piece)
            hub.served[path] = hub.served.get(path, 0) + len(piece)


def _git(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
