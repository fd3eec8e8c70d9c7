"""Statuses that are changed, and what they were before."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, nobody, post
from tests.api.mastodon.test_timelines import upload

STATUSES = "/api/v1/statuses"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


async def history(app: App, status_id: str) -> list[entities.StatusEdit]:
    found: list[entities.StatusEdit] = held(
        await app.get(f"{STATUSES}/{status_id}/history"), list[entities.StatusEdit]
    )
    return found


async def test_words_and_alt_text_are_changed_and_what_was_before_stays(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession, clock: FakeClock
) -> None:
    one, two = [(await upload(alice, description=text)).body["id"] for text in ("a boat", "")]
    made = await post(alice, "tyop", media_ids=[one, two], language="en")
    assert made.edited_at is None
    assert [edit.content for edit in await history(alice, made.id)] == [made.content]
    clock.advance(timedelta(minutes=5))
    fields = [
        ("status", "typo #mended"),
        ("spoiler_text", "words"),
        ("media_ids[]", two),
        ("media_ids[]", one),
        ("media_attributes[][id]", one),
        ("media_attributes[][description]", "a red boat"),
        ("media_attributes[][focus]", "0.5,-0.5"),
        ("media_attributes[][id]", two),
        ("media_attributes[][description]", "the sea"),
    ]
    changed = held(await form(alice, "PUT", f"{STATUSES}/{made.id}", *fields), entities.Status)
    assert changed.edited_at is not None and changed.edited_at > made.created_at
    assert "typo" in changed.content and [tag.name for tag in changed.tags] == ["mended"]
    assert (changed.spoiler_text, changed.sensitive, changed.language) == ("words", True, "en")
    shown = [(medium.id, medium.description) for medium in changed.media_attachments]
    assert shown == [(two, "the sea"), (one, "a red boat")]
    assert changed.media_attachments[1].meta.focus == entities.Focus(x=0.5, y=-0.5)
    before, now = await history(nobody(instance, browser, alice), made.id)
    assert (before.content, before.created_at) == (made.content, made.created_at)
    assert [medium.description for medium in before.media_attachments] == ["a boat", None]
    assert (now.content, now.created_at) == (changed.content, changed.edited_at)
    assert (before.sensitive, now.spoiler_text) == (False, "words")
    source = held(await alice.get(f"{STATUSES}/{made.id}/source"), entities.StatusSource)
    assert (source.text, source.spoiler_text) == ("typo #mended", "words")


async def test_nobody_changes_what_is_not_theirs_or_with_what_is_not_theirs(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    bob = await App.of(instance, browser, "bob")
    made = await post(alice, "mine")
    assert (await bob.ask("PUT", f"{STATUSES}/{made.id}", {"status": "x"})).status == 404
    picture = (await upload(bob)).body["id"]
    for media in ([picture], ["no id"], ["1"]):
        asked = {"status": "x", "media_ids": media}
        assert (await alice.ask("PUT", f"{STATUSES}/{made.id}", asked)).status == 422
    secret = await post(bob, "sh", visibility="private")
    assert (await alice.get(f"{STATUSES}/{secret.id}/history")).status == 404
    assert len(await history(alice, made.id)) == 1


async def test_who_may_quote_is_said_anew_without_an_edit(alice: App) -> None:
    made = await post(alice, "quote me")
    path = f"{STATUSES}/{made.id}/interaction_policy"
    changed = held(
        await alice.ask("PUT", path, {"quote_approval_policy": "nobody"}), entities.Status
    )
    assert (made.quote_approval.automatic, changed.quote_approval.automatic) == (["public"], [])
    assert changed.edited_at is None
    assert (await alice.ask("PUT", path, {"quote_approval_policy": "cats"})).status == 422
