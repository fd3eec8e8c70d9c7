"""Many Follows that come at the same moment: they become exactly what they become one by one."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import sqlalchemy
from sqlmodel import col, select

from activitypub import origin
from fedi.database.tables import Account, Follow, Notification
from fedi.federation import remote
from fedi.social import accounts, blocks, hiding, mutes, notification_policies
from tests.federation import seeing
from tests.federation.peer import Document, Internet, Person
from tests.listening import listening
from tests.rig import Instance

PEOPLE = 16


async def test_many_at_once_become_what_they_become_one_by_one(
    internet: Internet, two_instances: tuple[Instance, Instance]
) -> None:
    people = [internet.person(f"p{n}", f"peer{n}") for n in range(PEOPLE)]
    told = []
    for number, instance in enumerate(two_instances):
        asked = await _settle(instance, people)
        internet.posted.clear()
        for person, follow in asked:
            assert await person.send(instance, follow) == 202
            if number:  # one by one
                await instance.run_jobs()
        with listening() as logged:
            await instance.run_jobs()
        assert not [entry for entry in logged if entry["event"] == "redone_one_by_one"]
        assert await seeing.jobs(instance) == []
        told.append(await _all_that_came_of_it(instance, internet))
    for name, rows in told[0].items():
        assert rows == told[1][name], name
    # Two are refused, one waits for alice and one for carol, and one is for nobody.
    states = Counter(json.loads(row)["state"] for row in told[0]["follow"].elements())
    assert states == {"accepted": 11, "pending": 2}
    kinds = Counter((inbox.split("/")[-2], kind) for inbox, kind, _ in told[0]["answers"])
    assert kinds[("p1", "Reject")] == 1 and kinds[("p15", "Reject")] == 1
    assert sum(kinds.values()) == 13
    hidden = [row for row in told[0]["notification"] if "/p4" in row]
    assert hidden == []


async def _settle(instance: Instance, people: list[Person]) -> list[tuple[Person, Document]]:
    """Some of ours, what they think of these people, and what these ask for."""
    easel = instance.easel
    known = []
    for person in people:
        person._count = 1000
        known.append(await remote.resolve(easel, person.uri))
    async with easel.database.write() as tx:
        ours = {name: await accounts.create_local(tx, name) for name in ("alice", "carol", "dave")}
        erin = ours["erin"] = await accounts.create_local(tx, "erin")
        alice = ours["alice"]
        ours["carol"].locked = True
        erin.moved_to_uri = people[0].uri
        tx.add_all([ours["carol"], erin])
        await blocks.add(tx, alice, await tx.get_one(Account, known[1].id))
        silenced = await tx.get_one(Account, known[2].id)
        silenced.silenced_at = tx.now
        await mutes.add(tx, alice, await tx.get_one(Account, known[3].id))
        await hiding.add(tx, alice, origin.host(people[4].uri) or "")
        rules = {"for_not_following": "filter"}
        await notification_policies.change(tx, ours["dave"], rules)
        await blocks.add(tx, await tx.get_one(Account, known[11].id), alice)
    await instance.run_jobs()
    await people[5].does(instance, people[5].activity("Follow", alice.uri))
    instance.clock.advance(timedelta(seconds=1))
    whom = {7: ours["carol"], 8: ours["dave"], 15: erin}
    asked = [
        (person, person.activity("Follow", whom.get(n, alice).uri))
        for n, person in enumerate(people)
    ]
    asked[9][1]["object"] = f"{instance.url}/users/nobody"
    return asked


async def _all_that_came_of_it(instance: Instance, internet: Internet) -> dict[str, Any]:
    """What is stored, and what was answered; nothing of this instance's own address and numbers."""
    async with instance.easel.database.read() as session:
        people = {row.id: row for row in (await session.exec(select(Account))).all()}
        tables: dict[str, list[dict[str, Any]]] = {}
        for table in (Follow, Notification):
            rows = await session.execute(sqlalchemy.select(*sqlalchemy.inspect(table).columns))
            tables[table.__tablename__] = [dict(row._mapping) for row in rows]
        unseen = select(Notification).where(col(Notification.filtered))
        filtered = len((await session.exec(unseen)).all())

    def shown(column: str, value: Any) -> Any:
        if column == "id" or (column == "group_key" and value.startswith("ungrouped-")):
            return None
        if column.endswith("account_id") and value is not None:
            return people[value].uri
        return value

    def told(row: dict[str, Any]) -> str:
        plain = {
            column: shown(column, value) for column, value in row.items() if column != "created_at"
        }
        return json.dumps(plain, default=str, sort_keys=True).replace(instance.url, "HERE")

    return {
        **{name: Counter(told(row) for row in rows) for name, rows in tables.items()},
        "counts": {
            row.uri.replace(instance.url, "HERE"): (row.followers_count, row.following_count)
            for row in people.values()
        },
        "filtered": filtered,
        "answers": Counter(
            (inbox, said["type"], said["object"]["id"]) for inbox, said, _ in internet.posted
        ),
    }
