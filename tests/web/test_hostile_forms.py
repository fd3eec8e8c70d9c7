"""What is typed into the pages on which people write, or handed to them by another app on the
device: whatever it is, the page stays the page that it is with harmless words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from sqlmodel import select

from fedi.database.tables import ScheduledStatus
from fedi.social import correspondence, scheduling
from fedi.social.paging import Page
from fedi.social.statuses import Draft
from tests.api.oauth.person import HTML, Person, Seen, at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.admin.staff import appoint, press
from tests.web.desk import desk
from tests.web.filling import send
from tests.web.reading import Element
from tests.web.test_browser import chromium
from tests.web.test_hostile import STRINGS

__all__ = ["chromium"]

# What a page shows is the same on every database.
pytestmark = pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)

HARMLESS = "some plain words"
PICTURE = {"picture-1": hanging.png()}
SETTINGS = "/admin/settings"


def shape(page: Element) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page and what is said of them, whatever they hold. No way leads to a
    script."""
    for one in page.walk():
        for name in ("href", "src", "action", "formaction"):
            address = one.attributes.get(name, "/").replace("data:image/", "/")
            assert address.startswith(("/", "#", "http://", "https://")), one
    return [(one.name, tuple(sorted(one.attributes))) for one in page.walk()]


def words_of(page: Element) -> list[str]:
    """All that a page shows and holds in its fields."""
    held = [one.attributes.get(name, "") for one in page.walk() for name in ("value", "alt")]
    return [page.text, *(" ".join(one.split()) for one in held)]


async def test_pages_stay_what_they_are_whatever_is_typed(instance: Instance) -> None:
    await appoint(instance, "alice", "admin")
    await join(instance, "bob")
    usual: dict[str, Any] = {}
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        for words in (HARMLESS, *STRINGS):
            instance.clock.advance(timedelta(hours=1))  # nobody brings so many pictures at once
            wanted = " ".join(words.split())[:250]
            async for name, seen in typed(visitor, words):
                assert seen.status in {200, 422}, (name, words)
                page = seen.page
                assert shape(page) == usual.setdefault(name, shape(page)), (name, words)
                assert any(wanted in held for held in words_of(page)), (name, words)
    assert len(usual) == 10


async def typed(visitor: Person, words: str) -> AsyncIterator[tuple[str, Seen]]:
    """The pages that come when somebody types these words wherever they can, by names."""
    fields = {name: words for name in ("words", "warning", "alt-1")}
    answers = {"answer-1": words, "answer-2": f"{words}2", "when": words}
    seen = await visitor.get("/compose")
    yield "refused", await send(visitor, seen, "/compose", PICTURE, **fields, **answers)

    later = f"{visitor.instance.clock.now().year + 1}-01-01T12:00"
    sent = await send(visitor, seen, "/compose", PICTURE, **fields, when=later)
    assert sent.status == 303, sent.page.text
    seen = await visitor.get("/scheduled")
    yield "scheduled", seen
    async with visitor.instance.easel.database.read() as session:
        number = (await session.exec(select(ScheduledStatus.id))).one()
    path = f"/scheduled/{number}"
    yield "put off", await send(visitor, seen, f"{path}/move", when=words)
    await send(visitor, seen, f"{path}/away")

    shared = await share(visitor, words, hanging.png())
    yield "shared", await visitor.get(shared.location)
    yield "not shared", await share(visitor, words, b"no picture")
    yield "studio", await visitor.get((await share(visitor, words)).location)

    seen = await visitor.get("/messages/new")
    who = words.replace("@", "")
    yield "not sent", await send(visitor, seen, "/messages/new", PICTURE, who=who, **fields)
    sent = await send(visitor, seen, "/messages/new", PICTURE, who="@bob", **fields)
    assert sent.status == 303, sent.page.text
    seen = await visitor.get(sent.location)
    yield "sent", seen
    again = fields | {"words": "x" * 6000}
    yield "not answered", await send(visitor, seen, sent.location, PICTURE, **again)

    limits = {"assistant.per_account": words, "assistant.per_server": words}
    yield "assistant", await press(visitor, SETTINGS, f"{SETTINGS}/assistant", **limits)


async def share(visitor: Person, words: str, *pictures: bytes) -> Seen:
    """Share something as a device does, with a title and an address."""
    body = aiohttp.FormData(default_to_multipart=True)
    for name in ("title", "text", "url"):
        body.add_field(name, words)
    for content in pictures:
        body.add_field("picture", content, filename=f"{words}.png", content_type="image/png")
    url = f"{visitor.instance.url}/share"
    async with visitor.session.post(url, data=body, headers=HTML, allow_redirects=False) as answer:
        return Seen(answer.status, answer.headers, await answer.text())


async def test_a_browser_runs_nothing_of_it(instance: Instance, chromium: Any) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    for number, words in enumerate(STRINGS):
        pictures = [await hanging.paint(instance, one, description=words) for one in (alice, bob)]
        draft = Draft(text=words, spoiler_text=words, media_ids=pictures[:1])
        async with instance.easel.database.write() as tx:
            row = await scheduling.add(tx, alice, draft, tx.now + timedelta(days=number + 1))
            row.error = words
            tx.add(row)
        sent = {"text": f"@alice {words}", "visibility": "direct", "media_ids": pictures[1:]}
        await hanging.publish(instance, bob, **sent)
    had = {f"had-{n}": await hanging.paint(instance, alice) for n in range(1, 5)}
    async with instance.easel.database.read() as session:
        talks = await correspondence.of_account(session, alice, Page(40))
    async with desk(chromium, instance, "alice", width=390) as at_desk:
        for path in ("/scheduled", "/messages", *(f"/messages/{row.id}" for row in talks[:4])):
            await at_desk.open(path)
        for words in STRINGS:
            # What was typed is put back by a script when one returns.
            await at_desk.open("/compose")
            for name in ("words", "warning"):
                await at_desk.page.fill(f"[name={name}]", words)
            await at_desk.open(f"/compose?{urlencode({'words': words} | had)}")
            assert await at_desk.page.input_value("[name=words]") == words
            await at_desk.open("/compose")
            for name in ("words", "warning"):
                assert await at_desk.page.input_value(f"[name={name}]") == words
