"""`easel trends`: what trends, and what is decided about it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fedi.clock import FakeClock
from tests import rig
from tests.social import people
from tests.social.trends import acting
from tests.social.trends.acting import like, settle


def cells(table: str, kind: str) -> list[str]:
    """Of the only row of a kind."""
    [line] = [line for line in table.splitlines() if line.startswith(f"│ {kind} ")]
    return [cell.strip() for cell in line.strip("│").split("│")]


async def test_what_trends_is_listed_rejected_and_approved(
    new_database: rig.NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")  # nothing is cut off
    server = rig.ServerProcess(tmp_path, database={"url": new_database()}, trends={"review": True})
    assert "Nothing trends just now." in await server.easel("trends", "list")
    clock = FakeClock()
    async with rig.opened(server.settings, clock) as easel:
        alice, bob, carol = [await people.local(easel, name) for name in ("alice", "bob", "carol")]
        clock.advance(timedelta(hours=1))
        recipe = {"ai_prompt": "a [bold]fox", "share_recipe": True}
        medium = await people.picture(easel, alice, **recipe)
        post = await people.publish(easel, alice, "Look #fox", media_ids=[medium])
        await people.publish(easel, bob, "Indeed #fox")
        await like(easel, post, bob, carol)
        await settle(easel)
        waits = await acting.tags(easel, which="approved")
    assert waits == []
    told = await server.easel("trends", "list")
    assert cells(told, "status")[2:] == ["waits", "2 people of 1 server in 1 hour", post.url]
    assert cells(told, "prompt")[4] == "a [bold]fox"
    _, number, shown, _, what = cells(told, "tag")
    assert (shown, what) == ("waits", "fox")
    assert "Shown: #fox" in await server.easel("trends", "approve", "tag", number)
    assert cells(await server.easel("trends", "list"), "tag")[2] == "yes"
    async with rig.opened(server.settings, clock) as easel:
        assert await acting.tags(easel, which="approved") == ["fox"]
    assert "No longer shown: #fox" in await server.easel("trends", "reject", "tag", number)
    assert cells(await server.easel("trends", "list"), "tag")[2] == "rejected"
    assert "tag.reject" in await server.easel("audit")
