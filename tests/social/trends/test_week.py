"""A week of 50,000 events with a brigade in it, on an instance that sees sixty servers."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from fedi import ids
from fedi.clock import FakeClock
from fedi.database import Transaction
from fedi.database.insertion import insert_new, row_values
from fedi.database.tables import Account, Favourite, Status, StatusTag, Tag, Trend
from fedi.runtime import Easel
from fedi.social.trends import counting, listing
from tests.social import people

HOURS = 7 * 24
SERVERS, PEOPLE = 60, 900
BRIGADE, BRIGADE_POSTS = 1200, 12  # accounts of one server, made for it; all of them like these
WING, WING_SERVERS, WING_POSTS = 300, 8, 4  # and of further servers, who like the last of these
POSTS, ACTS = 6_000, 29_600  # of everybody else
PUSHES = BRIGADE * BRIGADE_POSTS + WING * WING_POSTS
HOT = 10  # posts of the last day that people everywhere like
EVENTS = 50_000
TEN_YEARS = timedelta(days=3650)

_numbers = count(1)


def account(name: str, domain: str, seen: Any) -> Account:
    """Somebody who was first seen then, and whose server says that they are ten years old."""
    uri = f"https://{domain}/users/{name}"
    return Account(
        id=ids.new(seen),
        username=name,
        domain=domain,
        handle=f"{name}@{domain}",
        uri=uri,
        created_at=seen - TEN_YEARS,
        updated_at=seen,
    )


def post(author: Account, now: Any, **changes: Any) -> Status:
    uri = f"{author.uri}/{next(_numbers)}"
    return Status(
        id=ids.new(now), uri=uri, account_id=author.id, created_at=now, content="<p>x</p>",
        **changes,
    )  # fmt: skip


def liked(who: Account, status: Status, now: Any) -> Favourite:
    return Favourite(
        id=ids.new(now),
        account_id=who.id,
        status_id=status.id,
        uri=f"{who.uri}#{next(_numbers)}",
        created_at=now,
    )


async def insert(tx: Transaction, rows: Iterable[Any]) -> int:
    values = [row_values(row) for row in rows]
    for start in range(0, len(values), 500):
        await insert_new(tx, type(rows[0]), values[start : start + 500])  # type: ignore[index]
    return len(values)


def spread(total: int, hours: int) -> Iterator[int]:
    for hour in range(hours):
        yield total * (hour + 1) // hours - total * hour // hours


@pytest.mark.long
async def test_a_brigade_stays_out_of_the_top_ten_and_the_honest_are_in(
    easel: Easel, clock: FakeClock
) -> None:
    chance = random.Random(7)
    await people.local(easel, "founder")
    now = clock.now()
    crowd = [account(f"p{n}", f"h{n % SERVERS}.example", now) for n in range(PEOPLE)]
    clock.advance(timedelta(days=60))
    now = clock.now()
    first_seen = now + timedelta(days=5)
    brigade = [account(f"b{n}", f"{n % 7}.brigade.example", first_seen) for n in range(BRIGADE)]
    wing = [account(f"w{n}", f"wing{n % WING_SERVERS}.example", first_seen) for n in range(WING)]
    sea, shill = (Tag(id=ids.new(now), name=n, display_name=n) for n in ("sea", "shill"))
    async with easel.database.write() as tx:
        for rows in (crowd, brigade, wing, [sea, shill]):
            await insert(tx, rows)
    events = 0
    hot: list[Status] = []
    pushed: list[Status] = []
    recent: list[Status] = []
    pushes = [(b, n) for n in range(BRIGADE_POSTS) for b in brigade]
    pushes += [(w, n) for n in range(BRIGADE_POSTS)[-WING_POSTS:] for w in wing]
    tries = iter(pushes)
    for hour, (posts, acts) in enumerate(
        zip(spread(POSTS, HOURS), spread(ACTS, HOURS), strict=True)
    ):
        clock.advance(timedelta(hours=1))
        now = clock.now()
        fresh = [post(chance.choice(crowd), now) for _ in range(posts)]
        recent = (recent + fresh)[-1500:]
        if hour == HOURS - 20:
            hot = fresh[:HOT]
        if hour == HOURS - 24:
            pushed = [post(chance.choice(brigade), now) for _ in range(BRIGADE_POSTS)]
            fresh += pushed
        likes: dict[tuple[int, int], Favourite] = {}
        boosts: dict[tuple[int, int], Status] = {}
        while len(likes) + len(boosts) < acts:
            # What is hot draws a tenth of all that happens; half of the rest is about a few posts.
            target = chance.choice(hot if hot and chance.random() < 0.1 else recent)
            who = chance.choice(crowd)
            if chance.random() < 0.8:
                likes[who.id, target.id] = liked(who, target, now)
            else:
                boosts[who.id, target.id] = post(who, now, reblog_of_id=target.id)
        if pushed:
            for _ in range(PUSHES // 24 + 1):
                if (turn := next(tries, None)) is not None:
                    who, number = turn
                    likes[who.id, pushed[number].id] = liked(who, pushed[number], now)
        async with easel.database.write() as tx:
            events += await insert(tx, fresh)
            uses = [
                StatusTag(status_id=one.id, tag_id=shill.id if one in pushed else sea.id)
                for one in fresh
            ]
            await insert(tx, uses)
            events += await insert(tx, list(likes.values()))
            events += await insert(tx, list(boosts.values())) if boosts else 0
        while await counting.update(easel):
            pass
    assert events >= EVENTS

    async with easel.database.read() as session:
        by_likes = (
            select(Favourite.status_id)
            .group_by(col(Favourite.status_id))
            .order_by(func.count().desc())
            .limit(10)
        )
        counted = set((await session.exec(by_likes)).all())
        assert counted <= {status.id for status in pushed}  # a plain count is theirs
        top = await listing.statuses(session, None, limit=10)
        all_of_it = await listing.statuses(session, None, limit=5000)
        tags = await listing.tags(session, None, limit=10)
        [why, *_] = (await listing.reasons(session, "status", [top[0].id])).values()
        trends = (await session.exec(select(func.count()).select_from(Trend))).one()
    assert {status.id for status in top} == {status.id for status in hot}
    # One server's own is no trend at all; what several push is one, and below.
    of_one_server = {status.id for status in pushed[:-WING_POSTS]}
    assert not of_one_server & {status.id for status in all_of_it}
    assert [tag.name for tag in tags] == ["sea"]
    assert why.people > 20 and why.servers > 10 and why.hours <= 21
    assert trends > 1000
