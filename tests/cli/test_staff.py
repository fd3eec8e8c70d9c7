"""`easel invite`, `easel moderate`, `easel account waiting …` and `easel audit`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fedi.cli import app, context

CONFIG = """
[instance]
url = "https://easel.example"
[registrations]
mode = "invite"
"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    yield path
    context.config = None


def easel(config: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(config), *words], env={"COLUMNS": "300"})


def test_invitations_are_made_listed_and_revoked(config: Path) -> None:
    made = easel(config, "invite", "create", "--uses", "3", "--days", "7", "--comment", "Bob")
    assert made.exit_code == 0, made.output
    address = made.stdout.strip()
    assert address.startswith("https://easel.example/sign-up?invite=")
    code = address.rpartition("=")[2]
    listed = easel(config, "invite", "list").output
    assert code in listed and "0 of 3" in listed and "Bob" in listed and "holds" in listed
    assert easel(config, "invite", "revoke", code).exit_code == 0
    assert "revoked" in easel(config, "invite", "list").output
    assert easel(config, "invite", "revoke", "nothing").exit_code == 1
    assert easel(config, "invite", "create", "--uses", "0").exit_code == 1


def test_what_the_command_line_does_is_written_down(config: Path) -> None:
    assert easel(config, "account", "create", "alice", "--password", "12345678").exit_code == 0
    assert easel(config, "account", "role", "alice", "moderator").exit_code == 0
    assert easel(config, "account", "role", "alice", "king").exit_code == 1
    for what in ("suspend", "unsuspend"):
        done = easel(config, "moderate", "alice", what, "--reason", "Enough")
        assert done.exit_code == 0 and what in done.output, done.output
    assert easel(config, "moderate", "alice", "explode").exit_code == 1
    assert easel(config, "moderate", "nobody@far.example", "suspend").exit_code == 1
    assert easel(config, "domain", "block", "spam.example").exit_code == 0
    assert "Nobody waits" in easel(config, "account", "waiting").output
    assert easel(config, "account", "approve", "alice").exit_code == 1
    lines = [
        line for line in easel(config, "audit").output.splitlines() if "the command line" in line
    ]
    for line, words in zip(
        lines,
        (
            ("domain.block", "spam.example", "severity: suspend"),
            ("account.unsuspend", "alice"),
            ("account.suspend", "alice"),
            ("account.role", "alice", "role: moderator"),
        ),
        strict=True,
    ):
        assert all(word in line for word in words), line
    only = easel(config, "audit", "--about", "spam.example").output
    assert "domain.block" in only and "alice" not in only
