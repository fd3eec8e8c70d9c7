"""Many posts that come at the same moment: they become exactly what they become one by one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import sqlalchemy
from sqlmodel import select

from fedi.database.tables import Account, Job, Tag
from fedi.social import accounts
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Document, Internet, Person
from tests.listening import listening
from tests.rig import Instance

PEOPLE = 12


async def test_many_at_once_become_what_they_become_one_by_one(
    internet: Internet, two_instances: tuple[Instance, Instance]
) -> None:
    people = [internet.person(f"p{n}", f"peer{n % 4}") for n in range(PEOPLE)]
    stranger = internet.person("stranger", "peer0")
    told = []
    for number, instance in enumerate(two_instances):
        alice = await _reader(instance, people)
        rounds = _posts(people, stranger, alice)
        for posts in rounds:
            for author, note in posts:
                assert await author.send(instance, author.create(note)) == 202
                if number:  # one by one
                    await instance.run_jobs()
            with listening() as logged:
                await instance.run_jobs()
            assert not [entry for entry in logged if entry["event"] == "redone_one_by_one"]
        told.append(await _all_that_is_known(instance))
    for name, rows in told[0].items():
        assert rows == told[1][name], name
    assert told[0]["status"].total() == 34


async def _reader(instance: Instance, people: list[Person]) -> Account:
    """alice, who follows these people."""
    async with instance.easel.database.write() as tx:
        alice = await accounts.create_local(tx, "alice")
    for person in people:
        asked = await seeing.follow(instance, alice, person.handle)
        await instance.run_jobs()
        await person.does(instance, person.activity("Accept", asked))
    return alice


def _posts(
    people: list[Person], stranger: Person, alice: Account
) -> list[list[tuple[Person, Document]]]:
    """What they write, in rounds of what comes at the same moment; the same for everybody."""
    for person in [*people, stranger]:
        person._count = 1000
    first = [(person, _rich(person, people)) for person in people]
    first.append((stranger, stranger.note("nobody here follows me")))
    guarded = people[1].note("ask me", interactionPolicy={"canReply": {"manualApproval": [PUBLIC]}})
    first.append((people[1], guarded))
    stamp = {
        "id": f"{people[1].uri}/authorizations/1",
        "type": "ReplyAuthorization",
        "attributedTo": people[1].uri,
        "interactingObject": f"{people[3].uri}/notes/asked",
        "interactionTarget": guarded["id"],
    }
    people[1].internet.show(stamp["id"], stamp)
    held = [
        (people[2], people[2].note("unasked", inReplyTo=guarded["id"])),
        (
            people[3],
            people[3].note(
                "asked",
                id=stamp["interactingObject"],
                inReplyTo=guarded["id"],
                replyAuthorization=stamp["id"],
            ),
        ),
        (people[1], people[1].note("my own", inReplyTo=guarded["id"])),
        (people[4], people[4].note("lost", inReplyTo=f"{people[1].uri}/0", approvedBy=stamp["id"])),
    ]
    answers = [
        (person, person.note("an answer", inReplyTo=first[n - 1][1]["id"]))
        for n, person in enumerate(people[:6])
    ]
    lost = people[0].note("what others answered before it came")
    early = [
        (person, person.note("early", inReplyTo=lost["id"], context=f"{person.origin}/c/1"))
        for person in people[1:4]
    ]
    named = {"tag": [{"type": "Mention", "href": alice.uri, "name": "@alice"}]}
    special = [
        (people[4], people[4].note("hello you", cc=[alice.uri], **named)),
        (people[5], people[5].note("only you", to=[alice.uri], cc=[], **named)),
        (people[6], _poll(people[6])),
        (people[7], people[7].note("quoting", quoteUrl=first[3][1]["id"])),
        (people[0], lost),
        (people[8], people[8].note("for followers", to=[people[8].followers], cc=[])),
        (people[10], _hidden_answer(people[10], first[2][1])),
        (people[9], people[9].note("unlisted", to=[people[9].followers], cc=[PUBLIC])),
    ]
    again = [(person, note) for person, note in first[:3]]
    return [first, [*answers, *early, *held], special, again]


def _hidden_answer(person: Person, note: Document) -> Document:
    return person.note("for followers", to=[person.followers], cc=[], inReplyTo=note["id"])


def _rich(person: Person, people: list[Person]) -> Document:
    other = people[(people.index(person) + 1) % len(people)]
    return person.note(
        f"<p>a fox by {person.name} <script>no</script></p>",
        summary="fox" if people.index(person) % 2 else None,
        tag=[
            {"type": "Hashtag", "name": "#Fox", "href": f"{person.origin}/tags/fox"},
            {"type": "Hashtag", "name": f"#of{person.name}", "href": f"{person.origin}/tags/x"},
            {"type": "Mention", "href": other.uri, "name": f"@{other.name}"},
        ],
        attachment=[
            {
                "type": "Document",
                "mediaType": "image/png",
                "url": f"{person.origin}/media/{n}.png",
                "name": f"fox {n}",
                "width": 640,
                "height": 480,
            }
            for n in range(people.index(person) % 3)
        ],
        replies=f"{person.uri}/notes/1/replies",
        url=f"{person.origin}/@{person.name}/1",
    )


def _poll(person: Person) -> Document:
    options = [
        {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": 1}}
        for name in ("fox", "owl")
    ]
    return {**person.note("which?"), "type": "Question", "oneOf": options}


async def _all_that_is_known(instance: Instance) -> dict[str, Any]:
    """Everything that is stored of posts, with ids in place of numbers; nothing of this instance's
    own address."""
    easel = instance.easel
    async with easel.database.read() as session:
        people = {row.id: row for row in (await session.exec(select(Account))).all()}
        tags = {row.id: row.name for row in (await session.exec(select(Tag))).all()}
        jobs = (await session.exec(select(Job))).all()
        tables: dict[str, list[dict[str, Any]]] = {}
        for name in ("status", "media_attachment", "mention", "status_tag", "home_entry", "poll",
                     "quote", "notification"):  # fmt: skip
            rows = await session.execute(sqlalchemy.text(f"SELECT * FROM {name}"))
            tables[name] = [dict(row._mapping) for row in rows]
    uris = {row["id"]: row["uri"] for row in tables["status"]}

    def shown(column: str, value: Any) -> Any:
        if column == "id" or (column == "group_key" and value.startswith("ungrouped-")):
            return None
        if column in {"status_id", "in_reply_to_id", "quoted_id", "quoted_status_id"}:
            return uris.get(value)
        if column == "tag_id":
            return tags[value]
        if column.endswith("account_id") and value is not None:
            return people[value].uri
        return value

    def told(row: dict[str, Any]) -> str:
        plain = {column: shown(column, value) for column, value in row.items()}
        return json.dumps(plain, default=str, sort_keys=True).replace(instance.url, "HERE")

    found: dict[str, Any] = {
        name: Counter(told(row) for row in rows) for name, rows in tables.items()
    }
    found["counts"] = {
        row.uri.replace(instance.url, "HERE"): (row.statuses_count, row.last_status_at)
        for row in people.values()
    }
    found["jobs"] = Counter(job.kind for job in jobs)
    return found
