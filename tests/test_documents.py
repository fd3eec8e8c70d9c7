"""Documents cannot rot: what they say is held against the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from starlette.routing import Route
from typer.main import get_command
from typer.testing import CliRunner

from fedi.api.client import reading
from fedi.cli import app
from fedi.federation.documents import collections, trends
from fedi.federation.handlers import HANDLERS
from fedi.settings import PaintingSettings, Settings, SettingsError, load, render_example
from fedi.studio import imagine
from generation import shapes

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
        (
            "[instance]\nnmae = 'x'\n",
            "there is no setting instance.nmae: instance.name may be meant.",
        ),
        ("[instnce]\nname = 'x'\n", "there is no setting instnce: instance may be meant."),
        ("port = 80\n", "no setting port outside of a section: it stands under [server] or [mail]"),
        ("[instance]\nurl = 'https://a.example:99999'\n", "instance.url: Port out of range"),
        ("[server]\nport = 'x'\n", "server.port: must be a whole number, such as 8."),
        ("[server]\nport = 80000\n", "server.port: must be less than or equal to 65535."),
        ("[instance]\nname = 5\n", "instance.name: must be words in quotes"),
        ("[media]\nfolder = 5\n", "media.folder: must be a folder in quotes"),
        ("server = 5\n", "server: must be a section"),
        ("[server\n", "is not valid TOML"),
        ('[federation]\nreject = ["spam.example", "a b"]\n', "a b is no domain"),
        (
            '[instance]\nurl = "https://a.example"\n[federation]\nsilence = ["A.example"]\n',
            "this instance cannot block itself",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_told_in_words(
    tmp_path: Path, written: str, told: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(written, encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(told)):
        load(config)


def test_a_mistake_in_the_environment_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    monkeypatch.setenv("EASEL_SERVER__PORT", "eighty")
    with pytest.raises(SettingsError, match=r"^EASEL_SERVER__PORT: must be a whole number"):
        load(tmp_path / "config.toml")


def test_settings_that_cannot_be_read_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(SettingsError, match="There is no settings file"):
        load(tmp_path / "none.toml")


def documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "FEDERATION.md", *sorted((ROOT / "docs").glob("*.md"))]


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


def test_every_option_of_a_painter_in_the_documents_exists() -> None:
    paint = get_command(app).commands["paint"]  # type: ignore[attr-defined]
    known = {option for parameter in paint.params for option in parameter.opts}
    units = sorted((ROOT / "deploy").glob("*.service"))
    commands = [
        line
        for path in [*documents(), *units]
        for line in path.read_text(encoding="utf-8").splitlines()
        if "easel paint " in line
    ]
    assert len(commands) > len(units)
    for command in commands:
        assert set(re.findall(r"(?<=\s)--[a-z-]+", command)) <= known, command


def test_every_option_of_a_style_in_the_documents_exists() -> None:
    group = get_command(app).commands["style"]  # type: ignore[attr-defined]
    known = {
        option
        for command in group.commands.values()
        for parameter in command.params
        for option in parameter.opts
    }
    text = "\n".join(_code((ROOT / "docs" / "style.md").read_text(encoding="utf-8")))
    told = set(re.findall(r"(?<=[\s`])--[a-z-]+", text))
    assert len(told) > 8 and told <= known, told - known


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


# ---- FEDERATION.md ------------------------------------------------------------------------------


def _section(title: str) -> list[list[str]]:
    """The rows of the table under a heading of FEDERATION.md."""
    text = (ROOT / "FEDERATION.md").read_text(encoding="utf-8")
    [section] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.M)
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return rows[2:]


def _named(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def _source(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_every_activity_that_is_handled_is_in_the_document_of_federation() -> None:
    rows = _section("Activities that are taken in")
    assert {name for row in rows for name in _named(row[0])} == set(HANDLERS)


def test_every_activity_that_is_sent_is_in_the_document_of_federation() -> None:
    """Those are what the functions that make activities name as a type."""
    made = set()
    for node in ast.walk(ast.parse((ROOT / "activitypub/objects/activity.py").read_text())):
        if isinstance(node, ast.Call):
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            names = [one.value for one in given if isinstance(one, ast.Constant)]
            words = [name for name in names if isinstance(name, str)]
            made |= {word for word in words if re.fullmatch(r"[A-Z][A-Za-z]+", word)}
    rows = _section("Activities that are sent")
    assert {name for row in rows for name in _named(row[0])} == made


def test_every_property_that_is_served_is_in_the_document_of_federation() -> None:
    """Those are the keys that the records write."""
    written: dict[str, set[str]] = {}
    for path in _source("activitypub/objects"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name == "document":
                keys = {
                    key.value
                    for found in ast.walk(node)
                    if isinstance(found, ast.Dict)
                    for key in found.keys
                    if isinstance(key, ast.Constant)
                }
                written[path.stem] = written.get(path.stem, set()) | keys
    told = {row[0]: _named(row[1]) for row in _section("Properties of what we serve")}
    assert told == written


def test_every_proposal_in_the_code_is_in_the_document_of_federation_and_back() -> None:
    marked = set()
    for path in _source("activitypub", "fedi"):
        marked |= set(re.findall(r"FEP-([0-9a-f]{4})", path.read_text(encoding="utf-8")))
    told = set()
    for row in _section("Proposals"):
        [slug] = set(re.findall(r"FEP-([0-9a-f]{4})", row[0]))
        assert f"https://w3id.org/fep/{slug}" in row[0]
        told.add(slug)
    assert told - {"67ff"} == marked  # that one is the document itself


def test_every_collection_in_the_document_of_federation_is_served() -> None:
    routes = [*collections.routes, *trends.routes, *reading.routes]
    served = " ".join(route.path for route in routes if isinstance(route, Route))
    paths = {"featuredTags": "tags"}
    for row in _section("Collections"):
        for name in _named(row[0]):
            assert f"/{paths.get(name, name)}" in served, name
    assert len(routes) == sum(len(_named(row[0])) for row in _section("Collections"))


def test_every_limit_in_the_document_of_federation_is_the_codes() -> None:
    for _, told, where in _section("Limits"):
        [name] = _named(where)
        module, _, constant = name.rpartition(".")
        value = getattr(import_module(module), constant)
        if isinstance(value, timedelta):
            assert told in {f"{value.days} days", f"{value.days} day"}, name
        else:
            assert told == f"{value:,}", name


def test_every_option_of_a_post_is_in_the_document_of_imagine() -> None:
    text = (ROOT / "docs/imagine.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(--[^`]+)` \|", text, re.MULTILINE)
    assert told == [option.example for option in imagine.OPTIONS.values()]
    assert f"at most {shapes.LONGEST_SHAPE:g} times" in text
    command = re.search(r"begins with `(.+?)`", text)
    assert command is not None and command[1] == PaintingSettings().command


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
