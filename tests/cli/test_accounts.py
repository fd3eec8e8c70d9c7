"""`easel account`, for who is locked out."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from fedi.cli import app


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(
        '[instance]\nurl = "http://easel-c.localhost"\n[database]\nurl = "sqlite:///e.db"\n'
        '[painting]\nlocal = false\n[media]\nfolder = "media"\n',
        encoding="utf-8",
    )
    return file


def easel(config: Path, *arguments: str) -> str:
    answer = CliRunner().invoke(app, ["--config", str(config), *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_host_lets_somebody_in_who_lost_everything(config: Path) -> None:
    easel(config, "account", "create", "alice")
    assert "off" in easel(config, "account", "codes", "alice")
    assert "already off" in easel(config, "account", "codes", "alice", "--off")
    assert "The new password is" in easel(config, "account", "password", "alice")
    assert "signed out everywhere" in easel(config, "account", "signout", "@alice")
