"""Every handler of the inbox: whatever a peer signs, nothing breaks, and nothing changes that its
origin could not ask for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql

from activitypub.origin import same_origin
from fedi.federation.handlers import HANDLERS
from tests.attacks import forgery, world
from tests.attacks.forgery import Forgery
from tests.attacks.world import World
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Document, Person
from tests.listening import nothing_fails
from tests.properties.strategies import anything, mutated

EXAMPLES = 25  # sent in one go, per type and database; `HYPOTHESIS_PROFILE=deep` sends many more

# Columns of ours that anybody's like, boost, answer or follow may move.
COUNTS = {"followers_count", "following_count", "replies_count", "reblogs_count",
          "favourites_count", "statuses_count", "last_status_at", "updated_at"}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    async with world.running(tmp_path_factory.mktemp("media"), database_url) as started:
        yield started


async def belongings(running: World, sender: Person) -> dict[str, str]:
    """A digest of every row that is not the sender's to change, by table and key."""
    async with running.instance.easel.database.read() as session:
        theirs = f"%//{sender.host}/%"

        async def rows(query: str) -> list[dict[str, Any]]:
            found = await session.execute(sql(query), {"theirs": theirs})
            return [dict(row) for row in found.mappings().all()]

        tables = {
            "account": await rows("SELECT * FROM account WHERE uri NOT LIKE :theirs"),
            "status": await rows(
                "SELECT s.* FROM status s JOIN account a ON a.id = s.account_id "
                "WHERE a.uri NOT LIKE :theirs"
            ),
            "follow": await rows(
                "SELECT f.* FROM follow f JOIN account a ON a.id = f.account_id "
                "JOIN account t ON t.id = f.target_account_id "
                "WHERE a.uri NOT LIKE :theirs AND t.uri NOT LIKE :theirs"
            ),
            "favourite": await rows(
                "SELECT f.* FROM favourite f JOIN account a ON a.id = f.account_id "
                "WHERE a.uri NOT LIKE :theirs"
            ),
            "block": await rows(
                "SELECT b.* FROM block b JOIN account a ON a.id = b.account_id "
                "WHERE a.uri NOT LIKE :theirs"
            ),
            # of a pin, a reaction, a report, a quote's leave: who did it, or asked for it
            **{
                table: await rows(
                    f"SELECT t.* FROM {table} t JOIN account a ON a.id = t.{who} "
                    "WHERE a.uri NOT LIKE :theirs"
                )
                for table, who in (
                    ("pin", "account_id"),
                    ("reaction", "account_id"),
                    ("report", "account_id"),
                    ("stamp", "quoting_account_id"),
                    ("poll_vote", "account_id"),
                    ("mute", "account_id"),
                    ("notification", "from_account_id"),
                )
            },
        }
    return {
        f"{table} {row['id']}": hashlib.sha256(
            repr(sorted((k, v) for k, v in row.items() if k not in COUNTS)).encode()
        ).hexdigest()
        for table, found in tables.items()
        for row in found
    }


def valid(running: World, sender: Person, type_: str) -> Document:
    """An activity of this type as an honest server would send it."""
    alice, post = running.alice.uri, running.post
    note = {
        "id": sender.new_id("notes"), "type": "Note", "attributedTo": sender.uri,
        "content": "<p>hello</p>", "published": "2026-01-01T00:00:00Z", "to": [PUBLIC, alice],
        "cc": [sender.followers], "inReplyTo": post, "sensitive": False, "url": sender.origin,
        "tag": [
            {"type": "Mention", "href": alice, "name": "@alice"},
            {"type": "Hashtag", "href": f"{sender.origin}/tags/a", "name": "#a"},
            {"type": "Emoji", "name": ":x:", "icon": {"type": "Image", "url": sender.origin}},
        ],
        "attachment": [
            {"type": "Image", "mediaType": "image/png", "url": f"{sender.origin}/x.png",
             "name": "alt", "width": 10, "height": 10, "focalPoint": [0, 0]},
        ],
        "replies": {"type": "Collection", "id": f"{sender.origin}/r", "first": sender.origin},
        "contentMap": {"en": "<p>hello</p>"}, "source": {"content": "hello"},
    }  # fmt: skip
    follow = {"id": f"{alice}#follows/1", "type": "Follow", "actor": alice, "object": sender.uri}
    like = {"id": sender.new_id(), "type": "Like", "actor": sender.uri, "object": post}
    objects: dict[str, Any] = {
        "Accept": follow, "Reject": follow, "Announce": post, "Like": post, "Create": note,
        "Update": note, "Delete": {"id": note["id"], "type": "Tombstone"}, "Follow": alice,
        "Block": alice, "Undo": like, "EmojiReact": post, "Flag": [alice, post],
        "Move": sender.uri, "QuoteRequest": post,
    }  # fmt: skip
    more: dict[str, Any] = {
        "Add": {"target": f"{sender.uri}/featured"},
        "Remove": {"target": f"{sender.uri}/featured"},
        "EmojiReact": {"content": "🦊"},
        "Flag": {"content": "<p>bad</p>"},
        "Move": {"target": running.carol.uri},
        "QuoteRequest": {"instrument": note["id"]},
    }
    addressed = {"to": [PUBLIC], "cc": [alice], **more.get(type_, {})}
    return sender.activity(type_, objects.get(type_, note), **addressed)


def about(running: World, sender: Person) -> list[str]:
    """Ids that mean something here: what a liar would name."""
    return [
        sender.uri, sender.key_id, running.alice.uri, running.bob.uri, running.carol.uri,
        running.post, running.secret, running.bobs_post["id"], running.bobs_answer["id"],
        running.bobs_like["id"], running.bobs_boost["id"], running.bobs_follow["id"],
        f"{running.instance.url}/actor", f"{running.alice.uri}/followers", running.instance.url,
        f"{running.bob.origin}/nothing", running.canary.url("0.0.0.0"),
    ]  # fmt: skip


async def _send(running: World, sender: Person, activities: list[Any]) -> None:
    before = await belongings(running, sender)
    with nothing_fails():
        for activity in activities:
            body = json.dumps(activity).encode()
            forged = Forgery(sender, body)
            status, answer = await forgery.request(
                running.instance.url, "POST", "/inbox", forged.build(running.instance.domain), body
            )
            assert status in {202, 400, 401, 403, 413}, (status, answer, activity)
            assert status == 202 or forgery.error_of(answer), (status, answer)
        await running.instance.run_jobs()
    after = await belongings(running, sender)
    # a post of another that a boost or an answer led to may come in; nothing else may differ
    changed = {row for row in before if after.get(row) != before[row]}
    assert not changed, (changed, activities)
    for row in after.keys() - before.keys():
        assert row.split()[0] in {"account", "status"}, (row, activities)
    assert running.canary.visits == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("type_", HANDLERS)
async def test_whatever_a_peer_signs(running: World, type_: str) -> None:
    sender = running.stranger()
    featured = sender.document(featured=f"{sender.uri}/featured")
    running.internet.show(sender.uri, featured)
    await seeing.befriend(running.instance, running.alice, sender)  # who may say the most
    await sender.does(running.instance, sender.activity("Follow", running.alice.uri))
    named = about(running, sender)
    activity = valid(running, sender, type_)
    drawn: list[Any] = []
    deep = settings.default is not None and settings.default.max_examples > 1000

    @settings(max_examples=EXAMPLES * (40 if deep else 1))
    @given(
        st.one_of(
            mutated(activity, *named),
            st.builds(
                lambda object_, rest: {**activity, **rest, "object": object_},
                anything(*named),
                st.dictionaries(
                    st.sampled_from(["to", "cc", "target", "actor", "id", "instrument"]),
                    st.one_of(st.sampled_from(named), anything(*named)), max_size=2),
            ),
        )
    )  # fmt: skip
    def draw(value: Any) -> None:
        if isinstance(value, dict) and "id" in value and value["id"] == activity["id"]:
            value = {**value, "id": sender.new_id()}  # or it would be done once
        if not _is_their_end(value, sender):
            drawn.append(value)

    draw()
    for start in range(0, len(drawn), EXAMPLES):
        await _send(running, sender, drawn[start : start + EXAMPLES])


def _is_their_end(value: Any, sender: Person) -> bool:
    """Whether it says that the sender is gone: nothing that comes after is heard."""
    if not isinstance(value, dict) or "Delete" not in json.dumps(value.get("type")):
        return False
    return sender.uri in json.dumps(value.get("object"))


@pytest.mark.asyncio(loop_scope="module")
async def test_whatever_a_peer_serves(running: World) -> None:
    """Actors and posts that are fetched: as odd as what is sent."""
    named = about(running, running.bob)
    documents: list[Any] = []
    model = running.stranger()
    note = valid(running, model, "Create")["object"]
    deep = settings.default is not None and settings.default.max_examples > 1000

    @settings(max_examples=EXAMPLES * 2 * (20 if deep else 1))
    @given(st.one_of(mutated(model.document(), *named), mutated(note, *named)))
    def draw(value: Any) -> None:
        documents.append(value)

    draw()
    before = await belongings(running, model)
    with nothing_fails():
        for served in documents:
            liar = running.stranger()
            words = json.dumps(served).replace(model.uri, liar.uri)
            document = json.loads(words)
            if '"publicKey"' in words:
                running.internet.show(liar.uri, document)
                await liar.send(running.instance, liar.activity("Like", running.post))
            elif isinstance(document, dict):
                url = f"{liar.origin}/served/{liar.name}"
                running.internet.show(url, {**document, "id": document.get("id", url)})
                answer = liar.note("x", inReplyTo=url, to=[running.alice.uri], cc=[])
                await liar.send(running.instance, liar.create(answer))
        await running.instance.run_jobs()
    after = await belongings(running, model)
    assert {row for row in before if after.get(row) != before[row]} == set()
    assert same_origin(model.uri, model.origin) and running.canary.visits == []
