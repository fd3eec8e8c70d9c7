"""`make demo`: the whole story by itself, as somebody sees it who tries Easel first."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import rig

ROOT = Path(__file__).parents[2]
LIMIT_S = 1200.0  # more than all the patience of its steps that a slow machine can need


def free_ports() -> tuple[int, int]:
    with rig.free_socket() as a, rig.free_socket() as b:
        return a.getsockname()[1], b.getsockname()[1]


async def demo(folder: Path, ports: tuple[int, int]) -> tuple[int, str]:
    """Run the demo to its end in an empty folder of its own; its exit status and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fedi.demo", "--once", "--ports", *map(str, ports)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    except TimeoutError:
        process.terminate()  # it ends its servers
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.long
async def test_the_demo_tells_its_story_to_the_end_and_once_more(tmp_path: Path) -> None:
    ports = free_ports()
    pictures = []
    for again in (False, True):
        status, said = await demo(tmp_path, ports)
        assert status == 0, said
        assert ("alice is there already" in said) is again, said
        assert "Everything arrived" in said
        assert f"http://easel-b.localhost:{ports[1]}/@bob" in said
        found = re.search(r"the picture is (\S+)", said)
        assert found is not None, said
        picture = Path(found.group(1))
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.is_relative_to(tmp_path)
        pictures.append(picture)
    assert pictures[0] != pictures[1]


async def test_a_taken_port_ends_the_demo_with_one_sentence(tmp_path: Path) -> None:
    a, b = free_ports()
    with rig.socket_on(b) as other:
        other.listen()
        status, said = await demo(tmp_path, (a, b))
    assert status == 1
    assert said.splitlines()[-1].startswith(f"✗ start easel-b: port {b} is taken"), said
    assert "Traceback" not in said
    rig.socket_on(a).close()  # the first server, which had started, is gone
