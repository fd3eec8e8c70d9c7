"""However many rows are shown, they are read in the same number of queries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import aiohttp
import pytest
from sqlalchemy import event

from fedi.database.tables import Quote
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import ids, post
from tests.api.mastodon.test_timelines import upload


@contextmanager
def counted(instance: rig.Instance) -> Iterator[list[str]]:
    """The SELECTs that readers make meanwhile."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    engine = instance.easel.database._reading.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def crowd(instance: rig.Instance, browser: aiohttp.ClientSession) -> AsyncIterator[list[App]]:
    """Alice, and four whom she follows."""
    apps = [await App.of(instance, browser, name) for name in ("alice", "b", "c", "d", "e")]
    for other in apps[1:]:
        await apps[0].post(f"/api/v1/accounts/{other.account.id}/follow", {})
    yield apps


async def test_a_page_of_posts_takes_as_many_queries_as_one(
    crowd: list[App], instance: rig.Instance
) -> None:
    alice, *others = crowd
    for app in others:
        picture = (await upload(app)).body["id"]
        made = await post(app, "@alice #art #sea", media_ids=[picture])
        answer = await post(app, "and more #sea", in_reply_to_id=made.id)
        await alice.post(f"/api/v1/statuses/{answer.id}/reblog", {})
        await alice.post(f"/api/v1/statuses/{made.id}/favourite", {})
        quoting = await post(app, "Look at this!")
        async with instance.easel.database.write() as tx:
            tx.add(
                Quote(
                    status_id=int(quoting.id),
                    quoted_uri=made.uri,
                    quoted_id=int(made.id),
                    state="accepted",
                )
            )
    for path in ("/api/v1/timelines/home", f"/api/v1/accounts/{alice.account.id}/statuses"):
        await alice.get(f"{path}?limit=20")
        counts = {}
        for limit in (4, 20):
            with counted(instance) as seen:
                found = ids(await alice.get(f"{path}?limit={limit}"))
            counts[len(found)] = len(seen)
        assert len(counts) == 2 or len(found) == 4, counts
        assert len(set(counts.values())) == 1, counts
        assert max(counts.values()) <= 15, counts


async def test_what_is_quoted_is_shown_with_it_or_it_is_said_why_not(crowd: list[App]) -> None:
    alice, bob, *_ = crowd
    secret = await post(bob, "for me", visibility="direct")
    shown = await post(bob, "for all")
    cases = {
        "accepted": (shown, "accepted", True),
        "hidden": (secret, "accepted", False),
        "pending": (shown, "pending", False),
        "revoked": (shown, "revoked", False),
    }
    states = {"hidden": "unauthorized"}
    for name, (quoted, state, seen) in cases.items():
        made = await post(alice, name)
        async with alice.instance.easel.database.write() as tx:
            tx.add(
                Quote(
                    status_id=int(made.id),
                    quoted_uri=quoted.uri,
                    quoted_id=int(quoted.id),
                    state=state,
                )
            )
        found = (await alice.get(f"/api/v1/statuses/{made.id}")).body["quote"]
        assert found["state"] == states.get(name, state)
        assert (found["quoted_status"] is not None) is seen
    assert (await alice.get(f"/api/v1/statuses/{shown.id}")).body["quotes_count"] == 1
