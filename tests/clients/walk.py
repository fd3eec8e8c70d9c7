"""What somebody does with a client, step by step; each step does those first that it needs.

Two servers, each a process of its own: the client's, where bob is as well, and one where carol is.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from fedi.social import accounts, credentials
from tests import rig
from tests.api.oauth.person import PASSWORD, Person
from tests.clients.programs import Client

ALT = "A teal square, nothing in it"
PATIENCE_S = 30.0
POLL_S = 0.1


class Neighbour:
    """Somebody else, who asks by plain HTTP."""

    def __init__(self, server: rig.ServerProcess, name: str) -> None:
        self.url, self.name = server.url, name
        self.handle = f"{name}@{server.url.removeprefix('http://')}"
        self.token = asyncio.run(join(server, name))

    def ask(self, method: str, path: str, **values: Any) -> Any:
        request = urllib.request.Request(
            self.url + path,
            json.dumps(values).encode() if values else None,
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def post(self, text: str, **more: Any) -> Any:
        return self.ask("POST", "/api/v1/statuses", status=text, **more)

    def account(self, handle: str) -> Any:
        return self.ask("GET", f"/api/v1/accounts/lookup?acct={handle}")


async def join(server: rig.ServerProcess, name: str) -> str:
    """Make an account; a token of it."""
    async with server.database() as database, database.write() as tx:
        account = await accounts.create_local(tx, name, password=PASSWORD)
        return await credentials.issue_token(tx, account, "test")


def until(condition: Callable[[], Any]) -> Any:
    """Wait for two other processes to have talked to each other."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain"
        time.sleep(POLL_S)
    return found


class Walk:
    """Somebody with a client.

    Args:
        client: what they use.
        name: who they are.
        home, away: their server, and another.
        folder: for a picture.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        home: rig.ServerProcess,
        away: rig.ServerProcess,
        folder: Path,
    ) -> None:
        self.client, self.name, self.home, self._folder = client, name, home, folder
        asyncio.run(join(home, name))
        self.bob, self.carol = Neighbour(home, f"bob_{name}"), Neighbour(away, f"carol_{name}")

    def do(self, step: str, **values: Any) -> Any:
        """What the client gives when it is signed in."""
        assert self.signed_in
        return self.client.call(step, **values)

    @cached_property
    def address(self) -> str:
        """Where the app sends its user to sign in, once it is registered."""
        address: str = self.client.call("register", url=self.home.url)
        return address

    @cached_property
    def code(self) -> str:
        """What the pages show somebody who signs in and lets the app in."""
        return asyncio.run(self._agree())

    async def _agree(self) -> str:
        async with rig.open_browser() as session:
            person = Person(self.home, session)  # type: ignore[arg-type]
            path = self.address.removeprefix(self.home.url)
            seen = await person.follow(await person.get(path))
            seen = await person.submit(seen, "/sign-in", name=self.name, password=PASSWORD)
            seen = await person.follow(seen)
            seen = await person.submit(seen, "/oauth/authorize", decision="allow")
            return seen.page.one("code", id="code").text

    @cached_property
    def signed_in(self) -> bool:
        self.client.call("sign_in", code=self.code)
        return True

    @cached_property
    def picture(self) -> Any:
        path = self._folder / "picture.png"
        Image.new("RGB", (64, 48), "teal").save(path)
        return self.do("upload", path=str(path), description=ALT)

    @cached_property
    def posted(self) -> Any:
        return self.do("post", text="A square #teal", media=[self.picture["id"]])

    @cached_property
    def heard_of(self) -> Any:
        """Carol, as this server knows her."""
        [found] = self.do("find", handle=self.carol.handle)
        return found

    @cached_property
    def followed(self) -> Any:
        return self.do("follow", id=self.heard_of["id"])

    @cached_property
    def received(self) -> Any:
        """A post of carol's, as it stands in the home timeline."""
        assert self.followed
        until(lambda: self.carol.account(self.carol.name)["followers_count"])
        made = self.carol.post("Hello from elsewhere")

        def come() -> Any:
            return [post for post in self.do("home") if post["uri"] == made["uri"]]

        [found] = until(come)
        return found

    @cached_property
    def listed(self) -> Any:
        return self.do("list", title="Squares", account=self.received["account"]["id"])
