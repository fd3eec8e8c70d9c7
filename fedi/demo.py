"""`make demo`: two servers on this machine, one picture, one follower, every step shown.

Each server is a process of its own with its own SQLite file and media folder under `./demo/`;
they reach each other over real sockets with real signatures. Nothing here does what a person
could not do with the `easel` command.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from sqlmodel import select

from fedi.cli.people import open_session
from fedi.database import Database
from fedi.database.tables import Follow
from fedi.settings import Settings, load
from fedi.social import accounts, posts, statuses, timelines

FOLDER = Path("demo")
START_S = 60.0  # a cold disk and a first migration
ARRIVAL_S = 60.0  # one retry of a delivery included
PAINT_S = 300.0
# Of words that the starter knows.
PROMPT = "a red sailboat on the beach"
TEXT = "The tide took the others."

Result = TypeVar("Result")
console = Console(highlight=False, soft_wrap=True)


class StepFailed(Exception):
    """A step did not do what it should; `step` names it."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")


@dataclass
class Server:
    """One of the two servers.

    Args:
        name: `easel-a` or `easel-b`.
        port: on loopback.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://{self.name}.localhost:{self.port}"

    @property
    def folder(self) -> Path:
        # Under another address it is another server.
        return FOLDER / f"{self.name}-{self.port}"

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def settings(self) -> Settings:
        return load(self.config)

    def prepare(self) -> None:
        """Write its settings; what an earlier demo left is kept."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f"""# Written by `make demo`.
[instance]
url = "{self.url}"
name = "{self.name.replace("-", " ").title()}"
[server]
port = {self.port}
[database]
url = "sqlite:///easel.db"
[media]
folder = "media"
[federation]
allow_private_addresses = true
[painting]
idle_exit_s = 60
[log]
format = "text"
""",
            encoding="utf-8",
        )

    def start(self) -> None:
        """Start it.

        Raises:
            StepFailed: something else listens there.
        """
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise StepFailed(
                    f"start {self.name}",
                    f"port {self.port} is taken. End what listens there, or choose two others: "
                    'make demo PORTS="9001 9002"',
                ) from error
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"), stdout=log, stderr=log, start_new_session=True
            )

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "fedi.cli", "--config", str(self.config), *arguments]

    def easel(self, *arguments: str) -> str:
        """Run an `easel` command against this server.

        Raises:
            StepFailed: it did not succeed.
        """
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode:
            raise StepFailed(f"easel {arguments[0]}", (done.stderr or done.stdout).strip())
        return done.stdout.strip()

    def why(self) -> str:
        """The last lines of its log."""
        lines = (self.folder / "log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])

    async def look(self, reading: Callable[[Any], Awaitable[Result]]) -> Result:
        """Read something from its database."""
        settings = self.settings
        database = Database(settings.database, settings.instance)
        try:
            async with database.read() as session:
                return await reading(session)
        finally:
            await database.close()


def say(what: str) -> None:
    console.print(f"[bold cyan]•[/] {what}")


async def wait_for(
    step: str, seconds: float, ready: Callable[[], Awaitable[Result | None]]
) -> Result:
    """Ask again and again until there is an answer.

    Raises:
        StepFailed: there is none after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = await ready()
        if answer is not None:
            return answer
        await asyncio.sleep(0.1)
    raise StepFailed(step, f"not within {seconds:.0f} seconds")


async def story(a: Server, b: Server) -> None:
    """The demo's story, step by step; each is checked."""
    async with open_session() as web:
        for server in (a, b):
            server.prepare()
            say(f"Starting {server.url}")
            server.start()
        for server in (a, b):
            await wait_for(f"start {server.name}", START_S, partial(answers, web, server))
        make_account(a, "alice", "Alice")
        make_account(b, "bob", "Bob")

        alice = f"alice@{a.name}.localhost:{a.port}"
        say(f"bob, on the second server, follows {alice}")
        say(f"  {b.easel('follow', 'bob', alice)}")
        await wait_for("the follow is accepted", ARRIVAL_S, lambda: follows(a, b))
        say("  alice's server accepted, and both servers know it")

        say(f"alice asks for a picture: “{PROMPT}”")
        say("  no model is chosen, so the starter paints, a small model for trying things out;")
        say("  painting.model in config.toml chooses a real one, such as flux2-klein-4b")
        address = await paint(a)
        say(f"  posted as {address}")
        picture, page = await a.look(lambda session: local_picture(session, a, address))
        say(f"  the picture is {picture}")

        say("The post travels to bob's server")
        post = await wait_for(
            "the post arrives", ARRIVAL_S, lambda: b.look(lambda session: arrived(session, address))
        )
        show(post)
        check(post, a)
        copy = f"{b.url}/@bob"
        for title, url in (("alice's post", page), ("bob", copy)):
            async with web.get(url) as answer:
                if answer.status != 200:
                    raise StepFailed(f"the page of {title}", f"{url} answers {answer.status}")
        console.print()
        say("Everything arrived. In a browser on this machine:")
        say(f"  alice's post  {page}")
        say(f"  alice         {a.url}/@alice")
        say(f"  bob           {copy}")


def make_account(server: Server, name: str, display: str) -> None:
    """Create an account, unless an earlier demo did."""
    if re.search(rf"\b{name}\b", server.easel("account", "list")):
        say(f"{name} is there already, from an earlier demo")
        return
    server.easel("account", "create", name, "--display-name", display)
    say(f"Created {name} on {server.url}")


async def answers(web: Any, server: Server) -> bool | None:
    if server.process is not None and server.process.poll() is not None:
        raise StepFailed(f"start {server.name}", f"it ended at once:\n{server.why()}")
    try:
        async with web.get(f"{server.url}/healthz") as answer:
            return True if answer.status == 200 else None
    except OSError:
        return None


async def follows(a: Server, b: Server) -> bool | None:
    """Whether both servers have the follow as accepted."""

    async def accepted(session: Any) -> bool:
        states = (await session.exec(select(Follow.state))).all()
        return "accepted" in states

    return True if await a.look(accepted) and await b.look(accepted) else None


async def paint(a: Server) -> str:
    """Ask for the picture as `easel post` does, with its progress bar on this terminal."""
    process = await asyncio.create_subprocess_exec(
        *a.command("post", "alice", TEXT, "--imagine", PROMPT), stdout=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PAINT_S):
            output, _ = await process.communicate()
    except TimeoutError as error:
        process.kill()
        raise StepFailed("paint", f"not within {PAINT_S:.0f} seconds\n{a.why()}") from error
    if process.returncode:
        raise StepFailed("paint", f"`easel post` failed\n{a.why()}")
    found = re.search(r"Posted: (\S+)", output.decode())
    if found is None:
        raise StepFailed("paint", f"no address in {output.decode()!r}")
    return found.group(1)


async def local_picture(session: Any, a: Server, address: str) -> tuple[Path, str]:
    """Where the picture's file is, and the page of its post."""
    status = await statuses.load_by_uri(session, None, address)
    if status is None:
        raise StepFailed("the post", f"{address} is not in the database")
    [post] = await posts.assemble(session, [status], None)
    if not post.media or post.media[0].file is None:
        raise StepFailed("the post", "it has no picture")
    path = a.settings.media.folder / post.media[0].file
    if not path.is_file():
        raise StepFailed("the picture", f"{path} is not there")
    return path, status.url


async def arrived(session: Any, address: str) -> posts.Post | None:
    """The post as it stands in bob's home timeline."""
    bob = await accounts.find_local(session, "bob")
    assert bob is not None
    for status in await timelines.home(session, bob, timelines.Page(limit=40)):
        if status.uri == address:
            [post] = await posts.assemble(session, [status], bob)
            return post
    return None


def show(post: posts.Post) -> None:
    """The post, as bob's server stores it."""
    status, [picture] = post.status, post.media
    for name, value in (
        ("author", f"@{post.account.acct}"),
        ("id", status.uri),
        ("content", status.content),
        ("visibility", status.visibility),
        ("label", f"{status.ai} ({picture.digital_source_type})"),
        ("picture", f"{picture.remote_url} ({picture.width}×{picture.height})"),
        ("alt text", picture.description),
        ("blurhash", picture.blurhash),
        ("painted by", picture.ai_system),
        ("prompt", picture.ai_prompt),
    ):
        console.print(f"    [dim]{name:<11}[/] {value}", markup=True)


def check(post: posts.Post, a: Server) -> None:
    """What must have survived the way.

    Raises:
        StepFailed: something did not.
    """
    picture = post.media[0]
    wanted = {
        "the author": post.account.acct == f"alice@{a.name}.localhost:{a.port}",
        "the text": TEXT in post.status.content,
        "the label": post.status.ai == "generated",
        "the source type": (picture.digital_source_type or "").endswith("trainedAlgorithmicMedia"),
        "the alt text": bool(picture.description),
        "the size": bool(picture.width and picture.height),
        "the blurhash": bool(picture.blurhash),
        "the prompt": picture.ai_prompt == PROMPT,
        "the hashtag": any(tag.name == "aigenerated" for tag in post.tags),
    }
    for what, right in wanted.items():
        if not right:
            raise StepFailed("the post on bob's server", f"{what} did not survive the way")


async def demo(once: bool, ports: tuple[int, int]) -> int:
    """Tell the story; keep the servers running after it, unless `once`.

    Returns:
        The exit status.
    """
    a, b = Server("easel-a", ports[0]), Server("easel-b", ports[1])
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    telling = asyncio.create_task(story(a, b))
    interrupted = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({telling, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        if not telling.done():
            telling.cancel()
            return 130
        telling.result()
        if not once:
            say("Both servers keep running; Ctrl-C ends them. `make demo` again goes on from here.")
            await stopped.wait()
        return 0
    except StepFailed as failure:
        console.print(f"[bold red]✗ {failure}[/]", soft_wrap=True)
        return 1
    finally:
        for server in (a, b):
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--once", action="store_true", help="check every step, then end")
    parser.add_argument("--ports", nargs=2, type=int, default=(8001, 8002))
    chosen = parser.parse_args()
    sys.exit(asyncio.run(demo(chosen.once, tuple(chosen.ports))))


if __name__ == "__main__":
    main()
