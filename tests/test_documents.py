"""Documents cannot rot: what they say is held against the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fedi.cli import app
from fedi.settings import Settings, SettingsError, load, render_example

ROOT = Path(__file__).parent.parent


def test_the_example_of_the_settings_is_what_the_settings_say() -> None:
    written = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    assert written == render_example(), "run `make config-example`"


def test_the_example_loads_and_holds_the_defaults(tmp_path: Path) -> None:
    copy = tmp_path / "config.toml"
    copy.write_text(render_example(), encoding="utf-8")
    loaded = load(copy)
    for name in Settings.model_fields:
        section = tomllib.loads(render_example())[name]
        assert set(section) == set(type(getattr(loaded, name)).model_fields)


def test_each_setting_can_be_set_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "config.toml"
    copy.write_text('[instance]\nname = "File"\n[server]\nport = 1\n', encoding="utf-8")
    monkeypatch.setenv("EASEL_INSTANCE__NAME", "Environment")
    loaded = load(copy)
    assert loaded.instance.name == "Environment"
    assert loaded.server.port == 1


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[instance]\nurl = 'easel.example'\n", "instance.url: must be an address such as"),
        ("[instance]\nurl = 'https://a.example/b'\n", "without a path"),
        ("[instance]\nnmae = 'x'\n", "there is no setting instance.nmae"),
        ("[server]\nport = 'x'\n", "server.port"),
        ("[server\n", "is not valid TOML"),
    ],
)
def test_a_mistake_in_the_settings_is_told_in_words(
    tmp_path: Path, written: str, told: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(written, encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(told)):
        load(config)


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_command_in_the_documents_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    commands = set(re.findall(r"\beasel ((?:[a-z]+)(?: [a-z]+)?)", "\n".join(_code(text))))
    for command in sorted(commands):
        first, *rest = command.split()
        names = {c.name for c in app.registered_commands}
        groups = {g.name: g.typer_instance for g in app.registered_groups}
        assert first in names or first in groups, f"there is no `easel {first}`"
        if first in groups and rest:
            known = {c.name or c.callback.__name__ for c in groups[first].registered_commands}  # type: ignore[union-attr]
            assert rest[0] in known, f"there is no `easel {command}`"


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_make_target_in_the_documents_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join(_code(document.read_text(encoding="utf-8")))
    for target in set(re.findall(r"\bmake ([a-z-]+)", text)):
        assert target in targets, f"there is no `make {target}`"


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_every_picture_and_every_link_in_the_documents_leads_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:|#", target):
            path = document.parent / target.partition("#")[0]
            assert path.exists(), f"{document.name} shows or links {target}, which is not there"


def _code(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)


def test_the_command_line_explains_itself() -> None:
    answer = CliRunner().invoke(app, ["--help"])
    assert answer.exit_code == 0
    for command in ("serve", "account", "post", "follow", "jobs", "doctor", "paint"):
        assert command in answer.output


def test_the_server_never_imports_torch() -> None:
    code = (
        "import fedi.app, fedi.cli, sys; "
        "sys.exit(bool({'torch', 'diffusers', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
