"""Posts that are changed."""

from __future__ import annotations

import aiohttp
import pytest

from fedi.api.mastodon import entities
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, post
from tests.api.mastodon.test_timelines import upload

STATUSES = "/api/v1/statuses"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def test_words_and_the_words_of_pictures_are_changed(alice: App) -> None:
    one = (await upload(alice, description="one")).body["id"]
    two = (await upload(alice, description="two")).body["id"]
    made = await post(alice, "First #art", media_ids=[one, two])
    answer = await form(
        alice,
        "PUT",
        f"{STATUSES}/{made.id}",
        ("status", "Second #sea"),
        ("spoiler_text", "water"),
        ("media_ids[]", two),
        ("media_ids[]", one),
        ("media_attributes[][id]", one),
        ("media_attributes[][description]", "A boat"),
        ("media_attributes[][focus]", "0.5,0.5"),
        ("media_attributes[][id]", two),
        ("media_attributes[][description]", "A house"),
    )
    edited = held(answer, entities.Status)
    assert "Second" in edited.content and edited.spoiler_text == "water" and edited.edited_at
    assert [tag.name for tag in edited.tags] == ["sea"]
    assert [(each.id, each.description) for each in edited.media_attachments] == [
        (two, "A house"),
        (one, "A boat"),
    ]
    assert edited.media_attachments[1].meta.focus == entities.Focus(x=0.5, y=0.5)
    bare = held(
        await alice.ask("PUT", f"{STATUSES}/{made.id}", {"status": "Words"}), entities.Status
    )
    assert bare.media_attachments == []


async def test_what_cannot_be_changed_is_refused(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    made = await post(alice, "Mine")
    theirs = (await upload(bob)).body["id"]
    path = f"{STATUSES}/{made.id}"
    assert (await bob.ask("PUT", path, {"status": "x"})).status == 404
    boost = (await alice.post(f"{path}/reblog", {})).body["id"]
    assert (await alice.ask("PUT", f"{STATUSES}/{boost}", {"status": "x"})).status == 404
    for asked in (
        {},
        {"status": "x", "media_ids": [theirs]},
        {"status": "x", "media_ids": [theirs], "media_attributes": [{"id": theirs}]},
        {"status": "x", "media_attributes": [{"id": "7", "description": "x"}]},
        {"status": "x", "media_attributes": [{"description": "x"}]},
    ):
        assert (await alice.ask("PUT", path, asked)).status == 422, asked
    assert "Mine" in (await alice.get(path)).body["content"]
