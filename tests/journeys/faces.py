"""The faces of one account: its ActivityPub app, its Mastodon app, and its owner at a browser; and
what a post of theirs leaves behind, in every table and on the wire."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from sqlalchemy import inspect
from sqlmodel import SQLModel, col, select

from fedi.database.tables import Job, Login, Status
from fedi.social import accounts
from fedi.social.trends.counting import TRENDS
from tests import rig
from tests.api.apps import App
from tests.api.oauth.person import PASSWORD, Person, at
from tests.federation.peer import Internet
from tests.federation.peer import Person as Peer
from tests.web.reading import Element

# What tells through which door somebody came, and not what they did there.
DOORS = frozenset({"access_token", "idempotency_key", "web_session"})
# Where a picture stands in line, and what is made of ids.
OF_EACH = {"painting": {"tag", "turn"}, "conversation": {"key"}}

SMALL = 10**14  # ids of ours are larger
MOMENTS = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
# Ids, and storage keys: all are fresh each time.
FRESH = re.compile(r"\d{15,}|\b[0-9a-z]{2}/[0-9a-zA-Z_/-]{16,}\.[a-z]+")
# How an Update is called: an app's can be read again, and has another kind of id.
UPDATES = re.compile(r'"id":"[^"]+(?:#updates|/activities)/\d{15,}"')
# Each painted file is signed anew, so that no two have the same bytes.
SIGNED = re.compile(r'"(?:digest|digestMultibase|size)": ?(?:"zQm\w+"|\d+),?')
PAINTED = "trainedAlgorithmicMedia"
PROOF = re.compile(r'"proofValue":"[^"]+"')


def same(written: str) -> str:
    """Something as text, with each id and each moment by its turn."""
    turns: dict[str, str] = {}
    written = PROOF.sub("PROOF", MOMENTS.sub("MOMENT", UPDATES.sub("UPDATE", written)))
    if PAINTED in written:
        written = SIGNED.sub("", written)
    return FRESH.sub(lambda found: turns.setdefault(found[0], f"ID{len(turns)}"), written)


Rows = dict[str, dict[Any, dict[str, Any]]]


async def _all_rows(instance: rig.Instance) -> Rows:
    """Each row of each table, by its key."""
    found: Rows = {}
    async with instance.easel.database.read() as session:
        for mapper in SQLModel._sa_registry.mappers:
            table: Any = mapper.class_
            name = table.__tablename__
            if name in DOORS:
                continue
            names = [column.key for column in inspect(table).columns]
            keys = [column.name for column in inspect(table).primary_key]
            query = select(table)
            if table is Job:
                query = query.where(col(Job.kind) != TRENDS)  # once in a while, whatever happened
            for row in (await session.exec(query)).all():
                values = {n: getattr(row, n) for n in names if n not in OF_EACH.get(name, ())}
                if values.get("id", SMALL) < SMALL:  # a number that the database gave
                    del values["id"]
                found.setdefault(name, {})[tuple(getattr(row, key) for key in keys)] = values
    return found


def _difference(before: Rows, after: Rows) -> dict[str, Counter[str]]:
    """What was added, changed (counts by how much) and removed, table by table."""
    found: dict[str, Counter[str]] = {}
    for name in sorted({*before, *after}):
        old, new = before.get(name, {}), after.get(name, {})
        said = Counter(f"gone {_text(old[key])}" for key in old.keys() - new.keys())
        said.update(f"new {_text(new[key])}" for key in new.keys() - old.keys())
        for key in old.keys() & new.keys():
            steps = {n: _step(old[key][n], v) for n, v in new[key].items() if old[key][n] != v}
            if steps:
                said[f"changed {_text(steps)}"] += 1
        if said:
            found[name] = said
    return found


def _step(old: Any, new: Any) -> Any:
    numbers = isinstance(old, int) and isinstance(new, int) and not isinstance(new, bool)
    return f"{new - old:+}" if numbers and abs(new) < SMALL else new


def _text(values: dict[str, Any]) -> str:
    return same(json.dumps(values, sort_keys=True, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else repr(value)


def alike(first: dict[str, Any], other: dict[str, Any]) -> None:
    """Hold what one door left behind against what another did."""
    for part in sorted({*first, *other}):
        expected, found = Counter(first.get(part, ())), Counter(other.get(part, ()))
        missing, more = sorted(expected - found), sorted(found - expected)
        assert not missing and not more, f"{part}: {missing} became {more}"


def filled(form: Element) -> dict[str, str]:
    """What a browser sends of a form in which nothing was changed."""
    fields = {}
    for entry in form.all("input"):
        said = entry.attributes
        chosen = said.get("type") not in {"checkbox", "radio"} or "checked" in said
        if "name" in said and chosen:
            fields[entry["name"]] = said.get("value") or ""
    for entry in form.all("textarea"):
        fields[entry["name"]] = entry.text
    for entry in form.all("select"):
        options = entry.all("option")
        chosen_ones = [one for one in options if "selected" in one.attributes]
        fields[entry["name"]] = (chosen_ones or options)[0].attributes.get("value") or ""
    return fields


@dataclass
class Faces:
    """One account, by every door that it has."""

    app: App
    visitor: Person
    peer: Peer

    @property
    def instance(self) -> rig.Instance:
        return self.app.instance

    async def outbox(self, note: dict[str, Any]) -> str:
        """By the ActivityPub app; the id of the post."""
        made = await self.app.submit(note)
        assert made.status == 201, made.body
        return str(made.body["object"]["id"])

    async def mastodon(self, **asked: Any) -> str:
        made = await self.app.post("/api/v1/statuses", asked)
        assert made.status == 200, made.body
        return str(made.body["uri"])

    async def page(self, path: str, action: str, **typed: str) -> None:
        """At the browser, by the form of a page that leads to `action`."""
        shown = await self.visitor.get(path)
        assert shown.status == 200, shown.body
        form = next(form for form in shown.page.all("form") if form["action"] == action)
        made = await self.visitor.post(action, filled(form) | typed)
        assert made.status == 303 or "posted" in made.body, made.body

    async def number(self, uri: str) -> str:
        """How Mastodon's apps and our pages call a post."""
        async with self.instance.easel.database.read() as session:
            found = await session.exec(select(Status.id).where(Status.uri == uri))
            return str(found.one())

    async def form(self, **parts: tuple[Any, dict[str, str]]) -> tuple[bytes, dict[str, str]]:
        """A form with files: its bytes, and its headers."""
        form = aiohttp.FormData()
        for name, (content, about) in parts.items():
            form.add_field(name, content, **about)  # type: ignore[arg-type]
        payload = form()
        return await payload.as_bytes(), dict(payload.headers)

    async def bring_by_outbox(self, picture: bytes, **shell: Any) -> str:
        """Upload a picture by the ActivityPub app; its id as an object."""
        body, headers = await self.form(
            file=(picture, {"filename": "a.png", "content_type": "image/png"}),
            object=(json.dumps({"type": "Image", **shell}), {}),
        )
        url = f"{self.app.account.uri}/uploads"
        made = await self.app.ask("POST", url, body, headers=headers)
        assert made.status == 201, made.body
        return str(made.body["id"])

    async def bring_by_mastodon(self, picture: bytes, **said: str) -> str:
        """Upload a picture by the Mastodon app; its id there."""
        body, headers = await self.form(
            file=(picture, {"filename": "a.png", "content_type": "image/png"}),
            **{name: (value, {}) for name, value in said.items()},
        )
        made = await self.app.ask("POST", "/api/v2/media", body, headers=headers)
        assert made.status in {200, 202}, made.body
        return str(made.body["id"])

    async def left(self, door: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        """What it leaves behind to go through a door: all rows, and the bytes that went out."""
        before = await _all_rows(self.instance)
        await door()
        rows = _difference(before, await _all_rows(self.instance))
        self.peer.internet.raw.clear()
        await self.instance.run_jobs()
        wire = sorted(same(raw.decode()) for raw in self.peer.internet.raw)
        return {**rows, "wire": wire}

    async def same_by(self, **doors: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        """Go through each door, and hold the others against the first.

        Returns:
            What the first left behind.
        """
        first, *others = doors
        await self.left(doors[first])  # hashtags and hosts are met for the first time
        expected = await self.left(doors[first])
        assert expected["wire"]
        for name in others:
            alike(expected, await self.left(doors[name]))
        return expected

    async def prefer(self, **chosen: Any) -> None:
        """How they usually post, by the names of Mastodon's preferences."""
        async with self.instance.easel.database.write() as tx:
            login = await tx.get_one(Login, self.app.account.id)
            names = {f"posting:default:{name}": value for name, value in chosen.items()}
            login.preferences = {**login.preferences, **names}
            tx.add(login)


@asynccontextmanager
async def opened(
    instance: rig.Instance, browser: aiohttp.ClientSession, internet: Internet
) -> AsyncIterator[Faces]:
    """Alice, whom somebody elsewhere follows."""
    async with instance.easel.database.write() as tx:
        await accounts.create_local(tx, "alice", password=PASSWORD)
    app = await App.of(instance, browser, "alice")
    peer = internet.person("carol")
    await peer.does(instance, peer.activity("Follow", app.account.uri))
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        yield Faces(app, visitor, peer)
