"""`easel verify`: what files say, and an exit code that scripts can use."""

from __future__ import annotations

import asyncio
import json
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from fedi.clock import FakeClock
from fedi.social import seals
from generation.certificates import Certified
from tests import rig
from tests.generation import signing


async def verify(server: rig.ServerProcess, *arguments: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *server.command("verify", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await process.communicate()
    return process.returncode, " ".join(output.decode().split()), errors.decode().strip()


@pytest.fixture
async def server(new_database: rig.NewDatabase, tmp_path: Path) -> rig.ServerProcess:
    return rig.ServerProcess(tmp_path / "server", database={"url": new_database()})


async def ours(server: rig.ServerProcess) -> Certified:
    async with rig.opened(server.settings, FakeClock()) as easel:
        return await seals.of(easel)


async def test_a_file_of_ours_holds(server: rig.ServerProcess, tmp_path: Path) -> None:
    file = tmp_path / "mine.png"
    file.write_bytes(signing.signed(await ours(server)))
    code, told, errors = await verify(server, str(file))
    assert (code, errors) == (0, "")
    domain = server.settings.instance.domain
    assert f"Signed by this instance, {domain}, and not altered since." in told
    for words in (
        "made by trainedAlgorithmicMedia",
        "model FLUX.2 klein 0123456789",
        "with Easel 0.1",
        "for alice@easel.example",
        "description A lighthouse.",
        "prompt a lighthouse",
        "Seed: 7",
        "training notAllowed",
    ):
        assert words in told


async def test_each_file_has_its_verdict(server: rig.ServerProcess, tmp_path: Path) -> None:
    content = signing.signed(await ours(server))
    authority, theirs = signing.chain("other.example")
    plain = BytesIO()
    Image.new("RGB", (9, 9)).save(plain, "PNG")
    files = {
        "here": content,
        "altered": signing.with_another_pixel(content),
        "stripped": signing.stripped(content),
        "unknown": signing.signed(theirs, "WEBP"),
        "damaged": signing.with_manifest(b"jumb c2pa"),
        "none": plain.getvalue(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    paths = [str(tmp_path / name) for name in files]
    code, told, _ = await verify(server, "--json", *paths)
    assert code == 1
    found = json.loads(told)
    assert [entry["verdict"] for entry in found] == list(files)
    assert found[0]["credentials"]["signer"] == server.settings.instance.domain
    assert found[0]["metadata"]["prompt"] == "a lighthouse"
    assert found[0]["label"]["system"] == "FLUX.2 klein"

    trusted = tmp_path / "other.pem"
    trusted.write_text(authority)
    code, told, _ = await verify(server, str(tmp_path / "unknown"), "--trust", str(trusted))
    assert code == 0 and "Signed by other.example, and not altered since." in told


async def test_what_cannot_be_read_is_told_and_the_rest_is_read(
    server: rig.ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "page.png").write_text("<html>")
    (tmp_path / "mine.png").write_bytes(signing.signed(await ours(server)))
    paths = [str(tmp_path / name) for name in ("page.png", "nowhere.png", "mine.png")]
    code, told, errors = await verify(server, *paths)
    assert code == 2 and "Signed by this instance" in told
    assert "This is no picture that can be read." in errors and "No such file" in errors
    code, told, _ = await verify(server, "--json", *paths)
    assert code == 2
    assert ["error" in entry for entry in json.loads(told)] == [True, True, False]


async def test_another_instance_is_asked_for_its_authority(
    server: rig.ServerProcess, new_database: rig.NewDatabase, tmp_path: Path, clock: FakeClock
) -> None:
    async with rig.serve_instance(tmp_path / "b", new_database(), name="easel-b", clock=clock) as b:
        file = tmp_path / "theirs.jpg"
        file.write_bytes(signing.signed(await seals.of(b.easel), "JPEG"))
        code, told, _ = await verify(server, str(file), "--trust", b.domain)
        assert code == 0 and f"Signed by {b.domain}, and not altered since." in told
        code, told, _ = await verify(server, str(file))
        assert code == 1 and "nobody known here vouches for that" in told
        code, _, errors = await verify(server, str(file), "--trust", f"nobody.localhost:{b.domain}")
        assert code == 2 and "--trust" in errors


async def test_a_file_can_be_looked_at_where_no_server_ever_ran(tmp_path: Path) -> None:
    server = rig.ServerProcess(tmp_path / "server")
    _, theirs = signing.chain("other.example")
    (tmp_path / "one.png").write_bytes(signing.signed(theirs))
    code, told, errors = await verify(server, str(tmp_path / "one.png"))
    assert (code, errors) == (1, "") and "calls itself other.example" in told
    assert not list((tmp_path / "server").glob("*.db*"))


async def test_words_of_strangers_do_not_steer_the_terminal(
    server: rig.ServerProcess, tmp_path: Path
) -> None:
    claim = signing.Claim(model="\x1b[31mred[bold]", software="Evil\x07 1")
    _, theirs = signing.chain("other.example")
    (tmp_path / "one.webp").write_bytes(signing.signed(theirs, "WEBP", claim))
    _, told, _ = await verify(server, str(tmp_path / "one.webp"))
    assert "\x1b" not in told and "\x07" not in told


@pytest.mark.parametrize("known", [True, False])
async def test_who_calls_themselves_as_we_do_is_somebody_else(
    server: rig.ServerProcess, tmp_path: Path, known: bool
) -> None:
    domain = server.settings.instance.domain
    own = signing.signed(await ours(server)) if known else b""
    authority, theirs = signing.chain(domain)
    trusted = tmp_path / "other.pem"
    trusted.write_text(authority)
    (tmp_path / "theirs.png").write_bytes(signing.signed(theirs))
    code, told, _ = await verify(
        server, "--json", str(tmp_path / "theirs.png"), "--trust", str(trusted)
    )
    [found] = json.loads(told)
    assert (code, found["verdict"]) == (0, "other")
    assert found["sentence"] == f"Signed by {domain} (--trust), and not altered since."
    if known:
        (tmp_path / "mine.png").write_bytes(own)
        code, told, _ = await verify(
            server, "--json", str(tmp_path / "mine.png"), "--trust", str(trusted)
        )
        assert (code, json.loads(told)[0]["verdict"]) == (0, "here")
