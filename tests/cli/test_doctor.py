"""`easel doctor`: says what is well, and of what is not what to mend; never a traceback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from fedi.cli import equipment
from fedi.settings import Settings
from tests import rig, warm
from tests.generation.images_server import MODEL, open_images_server

NO_PAINTING = "[painting]\nlocal = false\n"


async def examined(folder: Path, settings: str) -> tuple[int, str]:
    """What the doctor says of an instance with these settings, and its exit status."""
    config = folder / "config.toml"
    config.write_text(settings, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *warm.command("--config", str(config), "doctor", modules=("torch",)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    said = output.decode()
    assert "Traceback" not in said, said
    return process.returncode, said


async def test_all_is_well_with_a_server_that_runs(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    server = rig.ServerProcess(tmp_path, database={"url": new_database()})
    await server.start()
    try:
        said = await server.easel("doctor")
    finally:
        await server.stop()
    assert "✗" not in said
    assert f"✓ address: {server.url} answers as this instance." in said
    assert "✓ database: " in said and "✓ jobs: " in said
    assert "✓ storage: Pictures take 0.0 MB, what they began with 0.0 MB, files of" in said
    assert f"✓ signing: Pictures are signed by {server.settings.instance.domain}." in said
    assert said.endswith("All is well.")


async def test_a_server_that_does_not_answer_is_told(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    server = rig.ServerProcess(tmp_path, database={"url": new_database()})
    status, said = await examined(tmp_path, server.config.read_text(encoding="utf-8"))
    assert status == 1
    assert f"✗ address: {server.url} does not answer" in said
    assert said.endswith("1 thing to mend.\n")


async def test_what_is_only_for_trying_is_no_problem(tmp_path: Path) -> None:
    status, said = await examined(tmp_path, f"[database]\nurl = 'sqlite:///e.db'\n{NO_PAINTING}")
    assert (status, "! settings: instance.url is http://localhost:8000" in said) == (0, True), said


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("[server]\nport = 'x'\n", "✗ settings: "),
        ("[server\n", "is not valid TOML"),
        ("[instance]\nurl = 'http://easel.example'\n", "must begin with https://"),
        (
            "[instance]\nurl = 'https://easel.invalid'\n"
            "[federation]\nallow_private_addresses = true\n",
            "✗ settings: federation.allow_private_addresses",
        ),
        ("[database]\nurl = 'mysql://localhost/easel'\n", "✗ database: It cannot be used: Easel"),
        ("[database]\nurl = 'nonsense'\n", "✗ database: It cannot be used: "),
        ("[database]\nurl = 'sqlite:///text.db'\n", "file is not a database. Mend database.url."),
        ("[database]\nurl = 'sqlite:///text.db/e.db'\n", "✗ database: It cannot be used: "),
        ("[database]\nurl = 'postgresql://localhost:1/easel'\n", "✗ database: It cannot be used: "),
    ],
)
async def test_bad_settings_are_told_in_words(tmp_path: Path, settings: str, told: str) -> None:
    (tmp_path / "text.db").write_text("This is no database, but a text. " * 100)
    if "[database]" not in settings and "[instance]" in settings:
        settings += "[database]\nurl = 'sqlite:///easel.db'\n"
    status, said = await examined(tmp_path, settings + NO_PAINTING)
    assert status == 1
    assert told in said, said


async def test_a_postgresql_without_that_database_is_told(
    postgres: rig.Postgres, tmp_path: Path
) -> None:
    settings = f"[database]\nurl = '{postgres.url('nowhere')}'\n{NO_PAINTING}"
    status, said = await examined(tmp_path, settings)
    assert status == 1
    assert '✗ database: It cannot be used: database "nowhere" does not exist' in said, said


async def test_a_database_of_a_newer_easel_is_told(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    from sqlalchemy import text

    server = rig.ServerProcess(tmp_path, database={"url": new_database()})
    async with server.database() as database, database.write() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    status, said = await examined(tmp_path, server.config.read_text(encoding="utf-8"))
    assert status == 1
    assert "✗ database: It cannot be used: " in said and "9999" in said, said


async def test_an_endpoint_is_asked_what_it_paints_with(tmp_path: Path) -> None:
    with open_images_server() as images:
        images.token = "secret"
        here = f'[painting]\nendpoint = "{images.url}"\n'
        status, said = await examined(tmp_path, here + 'endpoint_token = "secret"\n')
        assert f"✓ endpoint: 127.0.0.1:{images.port} paints with {MODEL}." in said
        assert "card:" not in said and status == 0
        status, said = await examined(tmp_path, here + 'endpoint_token = "wrong"\n')
        assert "does not know our token" in said and "wrong" not in said and status == 1
        told = 'endpoint_token = "secret"\nmodel = "z-image-turbo"\n'
        status, said = await examined(tmp_path, here + told)
        assert f"does not paint with z-image-turbo; it has {MODEL}." in said and status == 1
    status, said = await examined(tmp_path, here)
    assert "✗ endpoint: The endpoint 127.0.0.1" in said and "cannot be reached" in said
    assert status == 1
    status, said = await examined(tmp_path, '[painting]\nendpoint = "http://u:secret@host"\n')
    assert "that is painting.endpoint_token" in said and "u:secret" not in said


async def test_a_model_that_does_not_exist_is_told(tmp_path: Path) -> None:
    settings = (
        "[database]\nurl = 'sqlite:///easel.db'\n[painting]\nmodel = 'no such model'\n"
        "device = 'cpu'\n"
    )
    status, said = await examined(tmp_path, settings)
    assert status == 1
    assert " card: " in said
    assert "✗ model: There is no model “no such model”" in said, said


@pytest.mark.parametrize(
    ("model", "state", "told"),
    [
        ("", "warning", "None is chosen"),
        ("flux2-klein-4b", "ok", "FLUX.2 klein 4B (Apache-2.0)."),
        ("owner/name", "ok", "owner/name (licence unknown). It is fetched for the first picture"),
        ("no such model", "problem", "Mend painting.model."),
        ("/nope/x", "problem", "There is no folder /nope/x"),
        ("{folder}/empty", "problem", "no diffusers folder"),
        ("{folder}/whole", "ok", "whole (licence unknown)."),
    ],
)
def test_the_model(tmp_path: Path, model: str, state: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    chosen = {"model": model.format(folder=tmp_path)}
    finding = equipment.check_model(Settings.model_validate({"painting": chosen}))
    assert (finding.subject, finding.state) == ("model", state)
    assert told in finding.message


def test_numbers_of_8_bits_want_a_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = Settings.model_validate({"painting": {"fp8": True}})
    assert equipment.check_precision(Settings.model_validate({})) == []
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "packages" not in entry])
    [finding] = equipment.check_precision(wanted)
    assert (finding.subject, finding.state) == ("precision", "warning")
    assert "pip install -c constraints.txt 'easel[fp8]'" in finding.message
    (tmp_path / "torchao").mkdir()  # once it can be imported, there is nothing to say
    (tmp_path / "torchao" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert equipment.check_precision(wanted) == []
