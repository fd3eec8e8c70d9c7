"""One post, made through every door: by ActivityPub, by the Mastodon API, and as the pages do it.

Row by row and byte by byte on the wire they are the same, apart from ids and moments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import inspect
from sqlmodel import SQLModel, col, select

from fedi.database.tables import (
    Account,
    HomeEntry,
    Job,
    Login,
    MediaAttachment,
    Mention,
    Notification,
    OutgoingActivity,
    Poll,
    Quote,
    Status,
    StatusEdit,
    StatusTag,
)
from fedi.social import accounts, credentials, statuses
from fedi.social.statuses import Draft
from fedi.social.trends.counting import TRENDS
from fedi.studio import imagine, media
from tests.api.apps import PUBLIC, App
from tests.api.client.posting import done, heard, posted, upload
from tests.api.oauth.person import PASSWORD, at
from tests.federation.peer import Person

# What a post is made of; rows that name it stand under its id.
TABLES: list[Any] = [Status, MediaAttachment, Mention, StatusTag, Poll, Quote, StatusEdit,
                     HomeEntry, Notification]  # fmt: skip
MOMENTS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
# Ids, storage keys, and what is made of the bytes of an upload: all are fresh each time.
FRESH = re.compile(r"\d{15,}|\b[0-9a-z]{2}/[0-9a-zA-Z_/-]{16,}\.[a-z]+")


def same(value: Any) -> str:
    """Something as text, with each id and each moment by its turn."""
    written = json.dumps(value, sort_keys=True, default=str)
    turns: dict[str, str] = {}
    written = MOMENTS.sub("MOMENT", written)
    return FRESH.sub(lambda found: turns.setdefault(found[0], f"ID{len(turns)}"), written)


async def rows(app: App, uri: str) -> dict[str, list[str]]:
    """All rows of a post, as text."""
    found: dict[str, list[str]] = {}
    async with app.instance.easel.database.read() as session:
        status = (await session.exec(select(Status).where(Status.uri == uri))).one()
        for table in TABLES:
            key = col(table.id if table is Status else table.status_id)
            query = select(table).where(key == status.id)
            if table is HomeEntry:
                query = query.order_by(col(table.account_id))
            made: list[SQLModel] = list((await session.exec(query)).all())
            found[table.__tablename__] = sorted(same(_values(row)) for row in made)
    return found


def _values(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns}


async def sent(app: App, person: Person) -> str:
    """What somebody elsewhere got, byte by byte, apart from ids, moments and the proof of them."""
    person.internet.raw.clear()
    await heard(app, person)
    bodies = [json.loads(raw) for raw in person.internet.raw]
    for body in bodies:
        assert body["proof"].pop("proofValue") and body.pop("id")
    return "\n".join(same(list(body.items())) for body in bodies)


async def media_id(app: App, url: str) -> int:
    async with app.instance.easel.database.read() as session:
        key = media.key_of(session.instance, url)
        found = await session.exec(select(MediaAttachment.id).where(MediaAttachment.file == key))
        return found.one()


Door = Callable[[], Awaitable[str]]


async def through_all(alice: App, carol: Person, doors: dict[str, Door]) -> None:
    """Make a post through each door, and hold the others against the first."""
    made: dict[str, tuple[dict[str, list[str]], str]] = {}
    for name, door in doors.items():
        uri = await door()
        wire = await sent(alice, carol)
        assert "Create" in wire or "Update" in wire
        made[name] = await rows(alice, uri), wire
    first, *others = made
    for name in others:
        for table, expected in made[first][0].items():
            assert made[name][0][table] == expected, (first, name, table)
        assert made[name][1] == made[first][1], (first, name)


async def _by_mastodon(alice: App, **asked: Any) -> str:
    answer = await alice.post("/api/v1/statuses", asked)
    assert answer.status == 200, answer.body
    return str(answer.body["uri"])


async def _by_page(alice: App, draft: Draft) -> str:
    """As the page does, whose form has neither pictures nor quotes: by the same `imagine.post`."""
    async with alice.instance.easel.database.write() as tx:
        author = await accounts.find_local(tx, "alice")
        assert author is not None
        made = await imagine.post(tx, alice.instance.easel.settings.painting, author, draft)
        assert isinstance(made, Status)
        return made.uri


async def test_words(alice: App, bob: App, carol: Person) -> None:
    await done(bob, {"type": "Follow", "object": alice.account.uri})
    words = "Hello @bob, see https://sea.example/1 #Boats"
    followers = alice.account.followers_uri
    async with alice.instance.easel.database.write() as tx:
        author = await tx.get_one(Account, alice.account.id)
        await credentials.set_password(tx, author, PASSWORD)  # which ends all tokens
        login = await tx.get_one(Login, author.id)
        login.preferences = {
            "posting:default:quote_policy": "nobody",
            "posting:default:language": "de",
        }
        tx.add(login)
    alice = await App.of(alice.instance, alice.browser, "alice")
    async with at(alice.instance) as visitor:
        await visitor.sign_in("alice")
        for visibility, to, cc in (
            ("public", [PUBLIC], [followers]),
            ("unlisted", [followers], [PUBLIC]),
            ("private", [followers], []),
        ):

            async def by_app(to: Any = to, cc: Any = cc) -> str:
                note = {"type": "Note", "content": words, "mediaType": "text/plain"}
                made = await done(alice, {**note, "summary": "boats", "to": to, "cc": cc})
                return str(made["object"]["id"])

            async def by_mastodon(visibility: str = visibility) -> str:
                return await _by_mastodon(
                    alice, status=words, spoiler_text="boats", visibility=visibility
                )

            async def last() -> str:
                async with alice.instance.easel.database.read() as session:
                    query = select(Status.uri).order_by(col(Status.id).desc()).limit(1)
                    return (await session.exec(query)).one()

            async def by_page(audience: str = visibility) -> str:
                made = await visitor.submit(
                    await visitor.get("/compose"), "/compose",
                    words=words, warning="boats", audience=audience, language="de",
                )  # fmt: skip
                assert made.status == 303
                return await last()

            async def by_intent(audience: str = visibility) -> str:
                form = await visitor.get("/intents/create")  # one form posts once
                made = await visitor.submit(
                    form, "/intents/create", words=words, warning="boats", audience=audience
                )
                assert "posted" in made.page.one("h1").text
                return await last()

            doors: dict[str, Door] = {"app": by_app, "mastodon": by_mastodon, "page": by_page}
            doors["intent"] = by_intent
            await through_all(alice, carol, doors)


async def test_an_answer_with_a_picture_that_quotes(alice: App, bob: App, carol: Person) -> None:
    parent, quoted = await posted(bob), await posted(bob)

    async def ids() -> tuple[int, int]:
        async with alice.instance.easel.database.read() as session:
            found = [await statuses.load_by_uri(session, bob.account, u) for u in (parent, quoted)]
            return tuple(one.id for one in found if one is not None)  # type: ignore[return-value]

    async def by_app() -> str:
        url = await upload(alice)
        picture = {"type": "Image", "url": url, "name": "A square."}
        note = {"type": "Note", "content": "See", "mediaType": "text/plain", "sensitive": True,
                "to": [PUBLIC], "inReplyTo": parent, "quote": quoted,
                "attachment": [picture]}  # fmt: skip
        return str((await done(alice, note))["object"]["id"])

    async def by_mastodon() -> str:
        medium, (answered, other) = await media_id(alice, await upload(alice)), await ids()
        return await _by_mastodon(
            alice, status="See", sensitive=True, media_ids=[str(medium)],
            in_reply_to_id=str(answered), quoted_status_id=str(other),
        )  # fmt: skip

    async def by_page() -> str:
        medium, (answered, other) = await media_id(alice, await upload(alice)), await ids()
        draft = Draft(text="See", sensitive=True, media_ids=[medium], in_reply_to_id=answered,
                      quoted_status_id=other)  # fmt: skip
        return await _by_page(alice, draft)

    doors: dict[str, Door] = {"app": by_app, "mastodon": by_mastodon, "page": by_page}
    await through_all(alice, carol, doors)


async def test_an_edit(alice: App, carol: Person) -> None:
    async def fresh() -> str:
        uri = await posted(alice, content="one #boats", mediaType="text/plain", summary="x")
        await heard(alice, carol)
        return uri

    async def by_app() -> str:
        uri = await fresh()
        change = {"id": uri, "content": "two #ships", "mediaType": "text/plain", "summary": None}
        await done(alice, {"type": "Update", "object": change})
        return uri

    async def by_mastodon() -> str:
        uri = await fresh()
        async with alice.instance.easel.database.read() as session:
            status = await statuses.load_by_uri(session, alice.account, uri)
        assert status is not None
        changed = await alice.ask(
            "PUT", f"/api/v1/statuses/{status.id}", {"status": "two #ships", "sensitive": True}
        )
        assert changed.status == 200
        return uri

    async def by_page() -> str:
        uri = await fresh()
        async with alice.instance.easel.database.write() as tx:
            author = await accounts.find_local(tx, "alice")
            status = await statuses.load_by_uri(tx, author, uri)
            assert author is not None and status is not None
            await statuses.edit(tx, author, status, Draft(text="two #ships", sensitive=True))
        return uri

    doors: dict[str, Door] = {"app": by_app, "mastodon": by_mastodon, "page": by_page}
    await through_all(alice, carol, doors)


async def test_nothing_is_left_to_be_done_in_another_way(alice: App, carol: Person) -> None:
    """The jobs that a post leaves are the same, too."""
    left = []
    for door in ("app", "mastodon"):
        if door == "app":
            await done(alice, {"type": "Note", "content": "x", "to": [PUBLIC]})
        else:
            await _by_mastodon(alice, status="x")
        async with alice.instance.easel.database.read() as session:
            waiting = (await session.exec(select(Job).order_by(col(Job.id)))).all()
            left.append(
                [(job.kind, same(job.payload), job.lane) for job in waiting if job.kind != TRENDS]
            )
        await heard(alice, carol)
        async with alice.instance.easel.database.read() as session:
            types = (await session.exec(select(OutgoingActivity.type))).all()
        assert set(types) == {"Accept", "Create"}  # the former, that carol may follow
    assert left[0] == left[1]
