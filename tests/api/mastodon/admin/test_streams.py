"""Who may not act any more hears nothing more (attack 76)."""

from __future__ import annotations

import pytest

from tests.api.apps import App
from tests.api.mastodon.streams import listening, reading


@pytest.mark.parametrize("action", ["suspend", "disable"])
async def test_the_streams_of_who_is_shut_out_are_closed_at_once(
    ada: App, alice: App, action: str
) -> None:
    async with listening(alice, "user") as socket, reading(alice, "user") as sent:
        path = f"/api/v1/admin/accounts/{alice.account.id}/action"
        assert (await ada.post(path, {"type": action})).status == 200
        assert await socket.closed() == 1008
        assert await sent.answer.content.read() == b""
    refused = await alice.get("/api/v1/streaming/user")
    assert refused.status in {401, 403}
