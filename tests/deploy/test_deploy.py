"""What a host copies from `deploy/`, as far as it can be tried without their machine: Caddy before
a real server, and what systemd itself says of the units."""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from fedi.database.tables import IpBlock
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import post
from tests.api.mastodon.streams import listening, reading
from tests.web.hanging import png

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
SHUT_OUT = "203.0.113.9"
# Of 10: what systemd calls a service that is mostly closed up. The card, and models that are
# compiled, keep the rest open.
MOST_EXPOSED = 5.0


class Front:
    """Caddy, with the file that hosts copy, in front of a server."""

    def __init__(self, folder: Path) -> None:
        with rig.free_socket() as sock:
            self.url = f"http://easel-p.localhost:{sock.getsockname()[1]}"
        self.server = rig.ServerProcess(folder, instance={"url": self.url})
        self.config = folder / "Caddyfile"
        self.environment = {**os.environ, "XDG_DATA_HOME": str(folder), "HOME": str(folder)}
        written = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
        changed = written.replace("\neasel.example {", f"\n{self.url} {{")
        changed = changed.replace("127.0.0.1:8000", f"127.0.0.1:{self.server.port}")
        assert changed.count(self.url) == 1 and "8000" not in changed
        # Nothing else may listen on the ports that all Caddies have.
        self.config.write_text(f"{{\n\tadmin off\n}}\n{changed}", encoding="utf-8")

    async def start(self) -> None:
        await self.server.start()
        with (self.server.folder / "caddy.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["caddy", "run", "--adapter", "caddyfile", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                env=self.environment,
            )
        async with rig.open_browser() as browser:

            async def answers() -> bool:
                assert self.process.poll() is None, self.log()
                try:
                    async with browser.get(f"{self.url}/healthz") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await rig.until(answers)

    async def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait)
        await self.server.stop()

    def log(self) -> str:
        return (self.server.folder / "caddy.log").read_text(errors="replace")


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    front = Front(tmp_path)
    await front.start()
    try:
        yield front
    finally:
        await front.stop()


async def test_caddy_hands_everything_on(front: Front, browser: aiohttp.ClientSession) -> None:
    """Pages, streams that tell at once, large files, and who asks."""
    server = front.server
    await server.easel("account", "create", "alice", "--password", "a long enough one")
    token = await server.easel("account", "token", "alice")
    served = cast(rig.Instance, SimpleNamespace(url=front.url))
    app = App(served, browser, cast(Any, None), token)

    # A page, packed, with the addresses that the world knows.
    async with browser.get(f"{front.url}/@alice", headers={"Accept": "text/html"}) as answer:
        assert answer.status == 200 and answer.headers["Content-Encoding"] in {"gzip", "br", "zstd"}
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert f'href="{front.url}/@alice"' in await answer.text()
    # A path comes as it was asked for: others sign it.
    async with browser.get(f"{front.url}/users/alice/inbox//x%2Fy") as answer:
        assert answer.status == 404

    async with listening(app, "user") as socket, reading(app, "user") as sent:
        status = await post(app, "Tides")
        assert (await socket.next()).payload
        kind, told = await sent.next()  # though it is small, and nothing comes after it
        assert kind == "update" and told["id"] == status.id

    # As large as a form with four pictures may be: what is wrong with it says Easel itself.
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    large = io.BytesIO(bytes(4 * 16_000_000))
    address = f"{front.url}/share"
    async with browser.post(address, data=large, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 303  # to sign in
    file = io.BytesIO(png() + bytes(15_000_000))  # which a decoder leaves alone
    form = aiohttp.FormData()
    form.add_field("file", file, filename="a.png", content_type="image/png")
    headers = {"Authorization": f"Bearer {token}"}
    async with browser.post(f"{front.url}/api/v2/media", data=form, headers=headers) as answer:
        assert answer.status == 200, await answer.text()

    # Nobody says themselves who they are.
    async with server.database() as database, database.write() as tx:
        network = f"{SHUT_OUT}/32"
        tx.add(IpBlock(id=tx.new_id(), ip=network, severity="no_access", created_at=tx.now))
    await server.stop()
    await server.start()
    said = {"X-Forwarded-For": SHUT_OUT}
    async with browser.get(f"{server.url}/about", headers=said) as answer:
        assert answer.status == 403  # as Caddy would say it of whoever comes from there
    async with browser.get(f"{front.url}/about", headers=said) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("command", ["validate", "fmt"])
def test_caddy_takes_its_file_as_it_is(command: str, tmp_path: Path) -> None:
    file = shutil.copy(DEPLOY / "Caddyfile", tmp_path)
    arguments = {
        "validate": ["validate", "--adapter", "caddyfile", "--config", str(file)],
        "fmt": ["fmt", str(file)],
    }[command]
    answer = subprocess.run(
        ["caddy", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)},
    )
    assert answer.returncode == 0, answer.stderr
    if command == "fmt":
        assert answer.stdout == (DEPLOY / "Caddyfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_a_unit_and_finds_it_closed_up(unit: Path, tmp_path: Path) -> None:
    """With the command at another place: there is nothing in /opt here."""
    program = tmp_path / "easel"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    written = unit.read_text(encoding="utf-8")
    assert "/opt/easel/.venv/bin/easel" in written
    written = re.sub(r"/opt/easel/\.venv/bin/easel|/usr/bin/nvidia-modprobe", str(program), written)
    here = tmp_path / unit.name
    here.write_text(written.replace("User=easel", "User=daemon"), encoding="utf-8")
    answer = analyze("verify", str(here))
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stderr
    threshold = f"--threshold={MOST_EXPOSED * 10:.0f}"
    answer = analyze("security", "--offline=true", threshold, str(here))
    assert answer.returncode == 0, answer.stdout


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments, "--no-pager"], capture_output=True, text=True, check=False
    )
