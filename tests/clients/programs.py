"""Clients that others made, as programs that these tests call: none knows that it speaks to Easel.

All have the same calls (`Client.call`) and give what the server sent, under Mastodon's names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

import pytest

FOLDER = Path(__file__).parent
PYTHON = FOLDER / ".venv/bin/python"
TOOT = FOLDER / ".venv/bin/toot"
PATIENCE_S = 60.0


class Failed(Exception):
    """A client could not do what it was asked for; the message is its own."""


class Client(Protocol):
    """A client and somebody who uses it.

    Attributes:
        lacks: calls that it has no way to make.
    """

    lacks: frozenset[str]

    def call(self, name: str, **values: Any) -> Any: ...
    def stop(self) -> None: ...


class Driven:
    """A library, driven by a script of ours that only hands on what it is asked for."""

    lacks: frozenset[str] = frozenset()

    def __init__(self, *command: str | Path) -> None:
        self._process = subprocess.Popen(
            [*map(str, command)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name: str, **values: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": name, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Failed(f"the client ended with {self._process.wait()}")
        answer = json.loads(line)
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer["gave"]

    def stop(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it holds a stream open
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Toot:
    """toot, on a command line."""

    lacks = frozenset({"edit", "filter", "listen", "push"})

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "XDG_CONFIG_HOME": str(folder)}
        self._login: subprocess.Popen[str] | None = None

    def call(self, name: str, **values: Any) -> Any:
        return getattr(self, f"_{name}")(**values)

    def stop(self) -> None:
        if self._login is not None and self._login.poll() is None:
            self._login.kill()
            self._login.communicate()

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [str(TOOT), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode:
            raise Failed(f"{done.stdout}{done.stderr}")
        return done.stdout

    def _json(self, *words: str) -> Any:
        return json.loads(self._run(*words, "--json"))

    def _register(self, url: str) -> str:
        self._login = subprocess.Popen(
            [str(TOOT), "login", "--instance", url],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._login.stdout is not None
        seen = []
        for line in self._login.stdout:
            seen.append(line)
            if line.startswith("http"):
                return line.strip()
        raise Failed("".join(seen))

    def _sign_in(self, code: str) -> str:
        assert self._login is not None
        told, _ = self._login.communicate(f"n\n{code}\n", timeout=PATIENCE_S)
        if self._login.returncode:
            raise Failed(told)
        return told

    def _verify(self) -> Any:
        return self._json("whoami")

    def _upload(self, path: str, description: str) -> Any:
        self._picture = (path, description)
        return self._json("upload", path, "--description", description)

    def _post(self, text: str, media: list[str]) -> Any:
        # toot posts files, not what it has uploaded before.
        path, description = self._picture if media else ("", "")
        more = ("--media", path, "--description", description) if media else ()
        return self._json("post", text, *more)

    def _reply(self, text: str, to: str) -> Any:
        return self._json("post", text, "--reply-to", to)

    def _delete(self, id: str) -> Any:
        return self._json("delete", id)

    def _favourite(self, id: str) -> Any:
        return self._json("favourite", id)

    def _boost(self, id: str) -> Any:
        return self._json("reblog", id)

    def _bookmark(self, id: str) -> Any:
        self._run("bookmarks", "--once")  # it shows them to people, as text
        return [self._json("bookmark", id)]

    def _find(self, handle: str) -> Any:
        self._handle = handle
        return self._json("search", "--resolve", "--type", "accounts", handle)["accounts"]

    def _follow(self, id: str) -> Any:
        return self._json("follow", self._handle)

    def _home(self) -> Any:
        return self._json("timelines", "home")

    def _notifications(self) -> Any:
        self._run("notifications")
        return self._json("notifications")

    def _list(self, title: str, account: str) -> Any:
        made = self._json("lists", "create", title)
        self._run("lists", "add", title, self._handle)
        return {
            "lists": self._json("lists", "list"),
            "members": self._json("lists", "accounts", "--id", made["id"]),
            "timeline": self._json("timelines", "list", made["id"]),
        }

    def _poll(self, text: str, options: list[str]) -> Any:
        asked = [word for option in options for word in ("--poll-option", option)]
        return self._json("post", text, *asked, "--poll-expires-in", "1h")

    def _vote(self, poll: str, choice: int) -> Any:
        return self._json("polls", "vote", poll, str(choice))


def needed(path: Path, how: str) -> None:
    if not path.exists():
        reason = f"{path.name} is not there: {how}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def _driven_by_node(script: str) -> Driven:
    needed(FOLDER / "node_modules", "run npm ci in tests/clients")
    node = shutil.which("node")
    assert node is not None, "Node.js is not installed"
    return Driven(node, script)


def start(name: str, folder: Path) -> Client:
    """Start a client.

    Args:
        name: one of `NAMES`.
        folder: where it may keep what it wants to.
    """
    if name in {"Mastodon.py", "toot"}:
        needed(PYTHON, "make test makes it")
    match name:
        case "Mastodon.py":
            return Driven(PYTHON, "python_driver.py")
        case "toot":
            return Toot(folder)
        case "masto.js":
            return _driven_by_node("masto_driver.mjs")
        case _:
            return _driven_by_node("megalodon_driver.mjs")


NAMES = ("Mastodon.py", "toot", "masto.js", "megalodon")
