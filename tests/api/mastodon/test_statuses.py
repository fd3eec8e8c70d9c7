"""Posting, reading, what people do to posts, and taking them back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from fedi.api.mastodon import entities
from fedi.database.tables import Bookmark, Notification, Status
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, ids, nobody, post
from tests.studio.asking import reaches
from tests.studio.easel_painter import connected

STATUSES = "/api/v1/statuses"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def test_a_post_is_what_was_asked_for(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    parent = await post(bob, "What do you paint?")
    made = held(
        await form(
            alice,
            "POST",
            STATUSES,
            ("status", "@bob the sea #Art"),
            ("in_reply_to_id", parent.id),
            ("spoiler_text", "water"),
            ("visibility", "unlisted"),
            ("language", "en"),
        ),
        entities.Status,
    )
    assert made.account.acct == "alice" and made.sensitive and made.spoiler_text == "water"
    assert (made.visibility, made.language) == ("unlisted", "en")
    assert made.in_reply_to_id == parent.id
    assert made.in_reply_to_account_id == parent.account.id
    assert [one.acct for one in made.mentions] == ["bob"]
    assert [one.name for one in made.tags] == ["art"]
    assert made.tags[0].url == f"{instance.url}/tags/art"
    assert (made.favourited, made.bookmarked, made.pinned) == (False, False, False)
    assert made.quote_approval.current_user == "automatic"
    seen = held(
        await nobody(instance, browser, alice).get(f"{STATUSES}/{made.id}"), entities.Status
    )
    assert seen.content == made.content and seen.favourited is entities.UNSET
    both = await alice.get(f"{STATUSES}?id[]={made.id}&id[]={parent.id}&id[]=nothing&id[]=1")
    assert ids(both) == [made.id, parent.id]
    around = held(await alice.get(f"{STATUSES}/{parent.id}/context"), entities.Context)
    assert [one.id for one in around.descendants] == [made.id] and not around.ancestors
    around = held(await alice.get(f"{STATUSES}/{made.id}/context"), entities.Context)
    assert [one.id for one in around.ancestors] == [parent.id] and not around.descendants
    source = held(await alice.get(f"{STATUSES}/{made.id}/source"), entities.StatusSource)
    assert (source.text, source.spoiler_text) == ("@bob the sea #Art", "water")
    assert (await bob.get(f"{STATUSES}/{made.id}/source")).status == 404


async def test_what_cannot_be_posted_is_refused(alice: App, bob: App) -> None:
    secret = await post(bob, "for me", visibility="direct")
    for asked, status in (
        ({}, 422),
        ({"status": "x" * 6000}, 422),
        ({"status": "x", "visibility": "secret"}, 422),
        ({"status": "x", "language": "!"}, 422),
        ({"status": "x", "media_ids": ["7"]}, 422),
        ({"status": "x", "media_ids": ["seven"]}, 422),
        ({"status": "x", "in_reply_to_id": secret.id}, 404),
        ({"status": "x", "in_reply_to_id": "seven"}, 404),
        ({"status": "x", "quote_approval_policy": "friends"}, 422),
        ({"status": "x", "scheduled_at": "soon"}, 422),
        ({"status": "x", "quoted_status_id": secret.id}, 404),
        ({"status": "a\0b"}, 400),
    ):
        answer = await alice.post(STATUSES, asked)
        assert answer.status == status, answer.body
        if status == 422:
            assert answer.error.startswith("Validation failed: ")
    reader = App(alice.instance, alice.browser, alice.account, None)
    assert (await reader.post(STATUSES, {"status": "x"})).status == 401


async def test_a_key_posts_once_even_at_once(alice: App, bob: App) -> None:
    key = {"Idempotency-Key": "a key"}
    asked = {"status": "once"}
    answers = await asyncio.gather(
        *(alice.post(STATUSES, asked, headers=key) for _ in range(4)),
        bob.post(STATUSES, asked, headers=key),
    )
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["id"] for answer in answers}) == 2  # keys are an account's own
    other = await alice.post(STATUSES, asked, headers={"Idempotency-Key": "another"})
    assert other.body["id"] != answers[0].body["id"]
    async with alice.instance.easel.database.read() as session:
        assert len((await session.exec(select(Status))).all()) == 3


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
async def test_what_is_asked_for_at_once_under_keys_of_their_own_is_all_taken(alice: App) -> None:
    when = entities.moment(alice.instance.clock.now() + timedelta(days=1))
    for asked in ({"status": "later", "scheduled_at": when}, {"status": "/imagine a fox"}):
        answers = await asyncio.gather(
            *(
                alice.post(STATUSES, asked, headers={"Idempotency-Key": f"{asked} {nth}"})
                for nth in range(4)
            )
        )
        assert [answer.status for answer in answers] == [200] * 4, asked
        assert len({answer.body["id"] for answer in answers}) == 4


async def test_a_key_whose_post_was_refused_is_free_again(alice: App) -> None:
    key = {"Idempotency-Key": "a key"}
    assert (await alice.post(STATUSES, {}, headers=key)).status == 422
    assert (await alice.post(STATUSES, {"status": "now"}, headers=key)).status == 200


DEEDS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("favourite", "unfavourite", "favourited", {}),
    ("bookmark", "unbookmark", "bookmarked", {}),
    ("mute", "unmute", "muted", {}),
    ("reblog", "unreblog", "reblogged", {}),
]


@pytest.mark.parametrize(("do", "undo", "shown", "asked"), DEEDS)
async def test_a_deed_is_done_and_undone(
    alice: App, bob: App, do: str, undo: str, shown: str, asked: dict[str, Any]
) -> None:
    made = await post(alice, "Look!")
    for verb, done in ((do, True), (do, True), (undo, False), (undo, False)):
        answer = held(await bob.post(f"{STATUSES}/{made.id}/{verb}", asked), entities.Status)
        original = answer.reblog or answer
        assert original.id == made.id and getattr(original, shown) is done
        seen = held(await bob.get(f"{STATUSES}/{made.id}"), entities.Status)
        assert getattr(seen, shown) is done
        theirs = held(await alice.get(f"{STATUSES}/{made.id}"), entities.Status)
        assert getattr(theirs, shown) is False
        counts = (theirs.favourites_count, theirs.reblogs_count)
        assert counts == (int(done and do == "favourite"), int(done and do == "reblog"))


async def test_pins_are_of_ones_own_and_first_on_the_profile(alice: App, bob: App) -> None:
    made = await post(alice, "Look!")
    await post(alice, "Later")
    assert (await bob.post(f"{STATUSES}/{made.id}/pin", {})).status == 422
    pinned = held(await alice.post(f"{STATUSES}/{made.id}/pin", {}), entities.Status)
    assert pinned.pinned is True
    profile = f"/api/v1/accounts/{alice.account.id}/statuses"
    assert ids(await bob.get(f"{profile}?pinned=true")) == [made.id]
    await alice.post(f"{STATUSES}/{made.id}/unpin", {})
    assert ids(await bob.get(f"{profile}?pinned=true")) == []


async def test_who_likes_and_boosts_is_told_as_far_as_it_may_be_seen(
    alice: App, bob: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    made = await post(alice, "Look!")
    await bob.post(f"{STATUSES}/{made.id}/favourite", {})
    boost = held(await bob.post(f"{STATUSES}/{made.id}/reblog", {}), entities.Status)
    assert boost.id != made.id and boost.account.acct == "bob"
    anybody = nobody(instance, browser, alice)
    for which in ("favourited_by", "reblogged_by"):
        assert ids(await anybody.get(f"{STATUSES}/{made.id}/{which}")) == [str(bob.account.id)]
    # A boost stands for what it boosts.
    liked = held(await alice.post(f"{STATUSES}/{boost.id}/favourite", {}), entities.Status)
    assert liked.id == made.id
    await bob.post(f"{STATUSES}/{made.id}/unreblog", {})
    hidden = await bob.post(f"{STATUSES}/{made.id}/reblog", {"visibility": "private"})
    assert hidden.body["visibility"] == "private"
    assert ids(await anybody.get(f"{STATUSES}/{made.id}/reblogged_by")) == []
    assert ids(await bob.get(f"{STATUSES}/{made.id}/reblogged_by")) == [str(bob.account.id)]


async def test_a_muted_thread_is_not_heard_of(alice: App, bob: App) -> None:
    made = await post(alice, "Look!")
    await alice.post(f"{STATUSES}/{made.id}/mute", {})
    await bob.post(f"{STATUSES}/{made.id}/favourite", {})
    await post(bob, "@alice nice", in_reply_to_id=made.id)
    async with alice.instance.easel.database.read() as session:
        assert (await session.exec(select(Notification))).all() == []
    other = await post(alice, "Look here!")
    await bob.post(f"{STATUSES}/{other.id}/favourite", {})
    async with alice.instance.easel.database.read() as session:
        [notice] = (await session.exec(select(Notification))).all()
    assert str(notice.status_id) == other.id


async def test_a_post_is_taken_back_and_its_words_are_told(alice: App, bob: App) -> None:
    made = await post(alice, "Look! #art")
    assert (await bob.ask("DELETE", f"{STATUSES}/{made.id}")).status == 404
    gone = held(await alice.ask("DELETE", f"{STATUSES}/{made.id}"), entities.Status)
    assert (gone.id, gone.text) == (made.id, "Look! #art")
    for app in (alice, bob):
        answer = await app.get(f"{STATUSES}/{made.id}")
        assert answer.status == 404 and answer.error == "Record not found"
    assert (await alice.ask("DELETE", f"{STATUSES}/{made.id}")).status == 404


async def test_what_is_imagined_waits_for_its_picture_and_is_its_authors_alone(
    alice: App, bob: App, instance: rig.Instance
) -> None:
    key = {"Idempotency-Key": "imagine"}
    asked = {"status": "/imagine a lighthouse --seed 7\nLook!"}
    answer = await alice.post(STATUSES, asked, headers=key)
    made = held(answer, entities.Status)
    assert "Look!" in made.content
    [picture] = made.media_attachments
    assert (picture.url, picture.type) == (None, "image")
    assert (await alice.post(STATUSES, asked, headers=key)).body["id"] == made.id
    assert (await alice.get(f"{STATUSES}/{made.id}")).body["id"] == made.id
    assert (await bob.get(f"{STATUSES}/{made.id}")).status == 404
    waiting = await alice.get(f"/api/v1/media/{picture.id}")
    assert waiting.status == 206 and waiting.body["url"] is None
    assert waiting.headers["mastodon-async-refresh"] == f'id="painting:{picture.id}", retry=3'
    work = f"/api/v1_alpha/async_refreshes/painting:{picture.id}"
    running = held(await alice.get(work), entities.RunningRefresh).async_refresh
    assert (running.id, running.status) == (f"painting:{picture.id}", "running")
    assert (await alice.get(f"{work}9")).status == 404
    assert (await bob.get(work)).status == 404
    assert (await bob.get(f"/api/v1/media/{picture.id}")).status == 404
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(instance.easel, int(given.painting), "done"):
            await card.finish(given)
    done = held(await alice.get(work), entities.RunningRefresh).async_refresh
    assert (done.status, done.result_count) == ("finished", 1)
    ready = held(await alice.get(f"/api/v1/media/{picture.id}"), entities.MediaAttachment)
    assert ready.url is not None and (await alice.get(ready.url)).status == 200
    became = held(await alice.get(f"{STATUSES}/{made.id}"), entities.Status)
    assert became.uri == made.uri and became.media_attachments == [ready]
    assert (await bob.get(f"{STATUSES}/{became.id}")).body["id"] == became.id


NAMES = ("author", "named", "follower", "stranger", "blocked", "nobody")
SEEN = {
    "public": {"author", "named", "follower", "stranger", "nobody"},
    "unlisted": {"author", "named", "follower", "stranger", "nobody"},
    "private": {"author", "named", "follower"},
    "direct": {"author", "named"},
}


@pytest.mark.long
async def test_nothing_leaks(instance: rig.Instance, browser: aiohttp.ClientSession) -> None:
    """Each route that gives back statuses, for each reader and each visibility."""
    apps = {name: await App.of(instance, browser, name) for name in NAMES if name != "nobody"}
    author = apps["author"]
    apps["nobody"] = nobody(instance, browser, author)
    account = f"/api/v1/accounts/{author.account.id}"
    await apps["follower"].post(f"{account}/follow", {})
    await author.post(f"/api/v1/accounts/{apps['blocked'].account.id}/block", {})
    root = await post(author, "Root #leak")
    for visibility, seen in SEEN.items():
        made = await post(
            author, f"@named {visibility} #leak", visibility=visibility, in_reply_to_id=root.id
        )
        boostable = visibility in {"public", "unlisted"}
        for name, app in apps.items():
            may = name in seen
            alone = await app.get(f"{STATUSES}/{made.id}")
            assert alone.status == (200 if may else 404), (visibility, name)
            around = await app.get(f"{STATUSES}/{root.id}/context")
            below = around.body["descendants"] if around.status == 200 else []
            lists = {
                "many": ids(await app.get(f"{STATUSES}?id[]={made.id}")),
                "context": [one["id"] for one in below],
                "account": ids(await app.get(f"{account}/statuses")),
            }
            for which, found in lists.items():
                assert (made.id in found) is may, (visibility, name, which)
            for path in (
                "/api/v1/timelines/public",
                "/api/v1/timelines/public?local=true",
                "/api/v1/timelines/tag/leak",
            ):
                if made.id in ids(await app.get(path)):
                    assert may and visibility == "public", (visibility, name, path)
            if name != "nobody":
                home = ids(await app.get("/api/v1/timelines/home"))
                assert (made.id in home) is (may and name in {"author", "follower"}), name
                for verb in ("favourite", "bookmark", "mute"):
                    done = await app.post(f"{STATUSES}/{made.id}/{verb}", {})
                    assert done.status == (200 if may else 404), (visibility, name, verb)
                async with instance.easel.database.read() as session:
                    kept = select(Bookmark).where(
                        Bookmark.account_id == app.account.id,
                        Bookmark.status_id == int(made.id),
                    )
                    assert bool((await session.exec(kept)).all()) is may, (visibility, name)
                boosted = await app.post(f"{STATUSES}/{made.id}/reblog", {})
                if not may:
                    assert boosted.status == 404
                elif not boostable and name != "author":
                    assert boosted.status == 403
            for which in ("favourited_by", "reblogged_by", "context", "source"):
                hidden = await app.get(f"{STATUSES}/{made.id}/{which}")
                assert may or hidden.status in {401, 404}, (visibility, name, which)
    # What was seen, liked and kept once is not seen any more after a block.
    await author.post(f"/api/v1/accounts/{apps['named'].account.id}/block", {})
    for path in ("favourites", "bookmarks"):
        assert ids(await apps["named"].get(f"/api/v1/{path}")) == []
        assert ids(await apps["follower"].get(f"/api/v1/{path}"))
