"""The container files, as far as they can be tried without an image to begin with: what is copied
is enough to run, what is installed is what Easel names, and the settings are settings."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from fedi.settings import Settings
from tests import rig

ROOT = Path(__file__).parents[2]
WRITTEN = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))


def steps(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", WRITTEN, re.MULTILINE)


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for step in steps("ENV") for pair in shlex.split(step))


async def test_what_is_copied_is_enough_to_run(tmp_path: Path) -> None:
    place, data = tmp_path / "easel", tmp_path / "data"
    data.mkdir()
    for step in steps("COPY"):
        *sources, target = step.split()
        for source in sources:
            into = place / target / source if target == "./" else place / target
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, into)
    with rig.free_socket() as sock:
        port = sock.getsockname()[1]
    said = {name: value.replace("/data", str(data)) for name, value in environment().items()}
    del said["PATH"]
    assert said["EASEL_SERVER__HOST"] == "0.0.0.0"  # a container's own loopback is nobody else's
    changed = {
        "EASEL_INSTANCE__URL": f"http://localhost:{port}",
        "EASEL_SERVER__HOST": "127.0.0.1",
        "EASEL_SERVER__PORT": str(port),
        "PYTHONPATH": str(place),
    }
    assert steps("CMD") == ['["easel", "serve"]']
    server = subprocess.Popen(
        [sys.executable, "-m", "fedi.cli", "serve"],
        cwd=data,
        env={**os.environ, **said, **changed},
    )
    try:
        check = COMPOSE["services"]["easel"]["healthcheck"]["test"]
        assert check[:3] == ["CMD", "python", "-c"] and ":8000/" in check[3]
        asks = [sys.executable, "-c", check[3].replace(":8000/", f":{port}/")]

        async def well() -> bool:
            assert server.poll() is None
            asked = await asyncio.to_thread(subprocess.run, asks, capture_output=True, check=False)
            return asked.returncode == 0

        await rig.until(well)
        page = await asyncio.to_thread(read, f"http://localhost:{port}/about")
        [style] = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)[:1]
        assert await asyncio.to_thread(read, f"http://localhost:{port}{style}")
        assert (data / "easel.db").exists()
    finally:
        server.terminate()
        await asyncio.to_thread(server.wait)


def read(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("extra", ["paint", ""])
def test_what_is_installed_is_what_easel_names(extra: str) -> None:
    [program] = re.findall(r'python3 -c "(.+?)" >', WRITTEN)
    ran = subprocess.run(
        [sys.executable, "-c", program.replace("${EXTRA}", extra)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = ran.stdout.splitlines()
    assert "httpsig==1.3.0" in names
    assert ("torch==2.13.0" in names) is (extra == "paint")


def test_the_settings_are_settings() -> None:
    services: dict[str, Any] = COMPOSE["services"]
    for name in [*environment(), *services["easel"]["environment"]]:
        if name.startswith("EASEL_") and name != "EASEL_CACHE":
            section, _, field = name.removeprefix("EASEL_").lower().partition("__")
            default = Settings.model_fields[section].default
            assert field in type(default).model_fields, name


def test_caddy_and_its_file_are_where_the_server_is() -> None:
    caddy = COMPOSE["services"]["caddy"]
    assert caddy["network_mode"] == "service:easel"  # so its file needs no other address
    [file, _] = caddy["volumes"]
    assert (ROOT / "deploy" / file.partition(":")[0]).is_file()
    assert (ROOT / "deploy" / COMPOSE["services"]["easel"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / COMPOSE["services"]["easel"]["build"]["dockerfile"]).is_file()
