"""What ten servers send, and what must become of it.

Each folder here is a server. Its `actors.json` is a list of actors as it serves them, the first of
which a fresh local account follows. Every other `NAME.json` is an activity as it sends it (a list:
several, one after the other); `NAME.expect.json` beside it says what must become of it, and may
name the documents that the server serves meanwhile (`serves`). All were written for this project
after the projects' documentation; nothing here was copied from anybody's server.

Words in double braces stand for what differs from run to run: `{{origin}}` and `{{host}}` of the
server, `{{third}}` (the origin of one more), `{{us}}`, the ids `{{alice}}` of the local account,
`{{post}}` of a post of theirs and `{{follow}}` of their Follow, `{{acct}}`, and `{{now}}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from fedi.database.tables import Account, Pin, Poll, Quote, Report, Status
from fedi.federation import remote
from fedi.social import accounts, follows, reactions
from tests.federation import seeing
from tests.federation.peer import Document, Internet, Person, key_number, public_pem, stamp
from tests.rig import Instance

FOLDER = Path(__file__).parent
SERVERS = sorted(path.name for path in FOLDER.iterdir() if (path / "actors.json").exists())


def cases(server: str) -> list[str]:
    return sorted(
        path.name.removesuffix(".expect.json") for path in (FOLDER / server).glob("*.expect.json")
    )


def test_every_activity_says_what_must_become_of_it() -> None:
    assert len(SERVERS) == 10
    for server in SERVERS:
        activities = {path.stem for path in (FOLDER / server).glob("*.json")}
        told = {stem for stem in activities if stem.endswith(".expect")}
        named = {stem.removesuffix(".expect") for stem in told}
        assert activities - told - {"actors"} == named, server


@pytest.mark.parametrize("server", SERVERS)
async def test_what_a_server_sends_is_understood(
    instance: Instance, internet: Internet, server: str
) -> None:
    wrong = {}
    for number, name in enumerate(cases(server)):
        story = await Story.begin(instance, internet, server, number, name)
        found, expected = await story.play()
        if found != expected:
            wrong[name] = {
                key: (found.get(key), value)
                for key, value in expected.items()
                if found.get(key) != value
            }
    assert wrong == {}


class Story:
    """One case, with a server and a local account of its own."""

    def __init__(self, instance: Instance, internet: Internet, server: str, name: str) -> None:
        self.instance = instance
        self.internet = internet
        self.server = server
        self.name = name
        self.people: dict[str, Person] = {}
        self.words: dict[str, str] = {}
        self.alice: Account

    @classmethod
    async def begin(
        cls, instance: Instance, internet: Internet, server: str, number: int, name: str
    ) -> Story:
        story = cls(instance, internet, server, name)
        async with instance.easel.database.write() as tx:
            story.alice = await accounts.create_local(tx, f"alice{number}")
        host = internet.host(f"{server}-{number}")
        story.words = {
            "origin": f"http://{host}",
            "host": host,
            "third": f"http://{internet.host(f'third-{number}')}",
            "us": instance.url,
            "alice": story.alice.uri,
            "acct": f"{story.alice.username}@{instance.domain}",
            "post": await seeing.publish(instance, story.alice),
            "now": stamp(instance.clock.now()),
            "follow": "",
        }
        for position, document in enumerate(story.read("actors")):
            story.settle(document, position)
        return story

    def read(self, name: str) -> Any:
        """A file of this server, with the words of this story."""
        text = (FOLDER / self.server / f"{name}.json").read_text(encoding="utf-8")
        return json.loads(re.sub(r"\{\{(\w+)\}\}", lambda match: self.words[match[1]], text))

    def settle(self, document: Document, position: int) -> None:
        """Somebody with this document lives on the server, and is found there."""
        host = self.words["host"]
        server = host.partition(".")[0]
        name = document["preferredUsername"]
        person = Person(self.internet, name, server, key_number(position))
        person.uri, person.inbox = document["id"], document["inbox"]
        document["publicKey"]["publicKeyPem"] = public_pem(person.key)
        person.key_id = document["publicKey"]["id"]
        self.internet.show(person.uri, document)
        if "#" not in person.key_id:
            self.internet.show(person.key_id, document)
        self.internet.handles[f"{name}@{host}"] = person.uri
        self.people[person.uri] = person

    async def play(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What became of it, and what must."""
        expected: dict[str, Any] = self.read(f"{self.name}.expect")
        given = expected.pop("given", {})
        first = next(iter(self.people.values()))
        await remote.account(self.instance.easel, first.uri)
        if given.get("follows", True):
            self.words["follow"] = await seeing.follow(self.instance, self.alice, first.uri)
            if given.get("accepted", True):
                async with self.instance.easel.database.write() as tx:
                    asked = await follows.by_uri(tx, self.words["follow"])
                    assert asked is not None
                    await follows.accept(tx, asked)
            await self.instance.run_jobs()
        self.internet.posted.clear()
        expected = self.read(f"{self.name}.expect")
        expected.pop("given", None)
        for url, document in expected.pop("serves", {}).items():
            self.internet.show(url, document)
        sent = self.read(self.name)
        for activity in sent if isinstance(sent, list) else [sent]:
            actor = activity["actor"]
            person = self.people[actor if isinstance(actor, str) else actor["id"]]
            status = await person.send(self.instance, activity)
            assert status == 202, (self.name, status)
            await self.instance.run_jobs()
        found = {name: await LOOKS[name](self, wanted) for name, wanted in expected.items()}
        return found, expected

    # ---- what can be looked at ------------------------------------------------------------------

    async def posts(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Posts by id, as the local account sees them; null for what it does not see."""
        return {uri: await self._post(uri, said) for uri, said in wanted.items()}

    async def _post(self, uri: str, said: dict[str, Any] | None) -> dict[str, Any] | None:
        shown = await seeing.seen(self.instance, self.alice, uri)
        if shown is None:
            return None
        status = shown.status
        async with self.instance.easel.database.read() as session:
            poll = await session.get(Poll, status.id)
            quote = await session.get(Quote, status.id)
            found = await reactions.of_statuses(session, [status.id])
        everything: dict[str, Any] = {
            "author": shown.account.uri,
            "type": status.object_type,
            "url": status.url,
            "visibility": status.visibility,
            "spoiler": status.spoiler_text,
            "sensitive": status.sensitive,
            "language": status.language,
            "reply_to": status.in_reply_to_uri,
            "edited": status.edited_at is not None,
            "mentions": sorted(account.uri for account in shown.mentions),
            "tags": sorted(tag.name for tag in shown.tags),
            "emojis": [entry["shortcode"] for entry in status.emojis],
            "media": [[m.type, m.remote_url, m.description] for m in shown.media],
            "policy": status.interaction_policy,
            "poll": [[entry["title"], entry["votes_count"]] for entry in poll.options]
            if poll
            else None,
            "voters": poll.voters_count if poll else None,
            "multiple": poll.multiple if poll else None,
            "quote": quote.state if quote else None,
            "favourites": status.favourites_count,
            "reblogs": status.reblogs_count,
            "reactions": {name: count for (name, _), count in found.get(status.id, {}).items()},
        }
        told: dict[str, Any] = {name: everything[name] for name in said or {} if name in everything}
        for name, present in (("says", True), ("says_not", False)):
            if said and name in said:
                told[name] = [part for part in said[name] if (part in status.content) is present]
        return told

    async def home(self, _: Any) -> list[str]:
        """The ids in the home of the local account without its own post, the newest first."""
        shown = await seeing.home(self.instance, self.alice)
        return [uri for uri in shown if uri != self.words["post"]]

    async def notices(self, _: Any) -> list[str]:
        return await seeing.notices(self.instance, self.alice)

    async def followers(self, _: Any) -> list[str]:
        return await seeing.followers(self.instance, self.alice)

    async def following(self, _: Any) -> list[str]:
        return await seeing.following(self.instance, self.alice)

    async def accounts(self, wanted: dict[str, Any]) -> dict[str, Any]:
        told = {}
        for uri, said in wanted.items():
            account = await seeing.account(self.instance, uri)
            gone = account is None or account.deleted_at is not None
            told[uri] = None if gone else {name: getattr(account, name) for name in said}
        return told

    async def sent(self, wanted: dict[str, Any]) -> dict[str, list[str]]:
        """The types of what was posted, by inbox."""
        return {inbox: [sent["type"] for sent in self.internet.got(inbox)] for inbox in wanted}

    async def results(self, _: Any) -> list[str]:
        """What our answers bring as their result, without what differs from run to run."""
        found = [body["result"] for body in self.internet.got() if "result" in body]
        return [re.sub(r"\d+$", "N", uri) for uri in found]

    async def reports(self, _: Any) -> list[list[Any]]:
        async with self.instance.easel.database.read() as session:
            rows = await session.exec(
                select(Report).where(Report.target_account_id == self.alice.id)
            )
            return [[report.comment, len(report.status_ids)] for report in rows.all()]

    async def pins(self, wanted: dict[str, Any]) -> dict[str, list[str]]:
        told = {}
        for uri in wanted:
            account = await seeing.known(self.instance, uri)
            async with self.instance.easel.database.read() as session:
                rows = await session.exec(
                    select(Status.uri)
                    .join(Pin, col(Pin.status_id) == col(Status.id))
                    .where(Pin.account_id == account.id)
                )
                told[uri] = sorted(rows.all())
        return told


LOOKS: dict[str, Callable[[Story, Any], Any]] = {
    name: getattr(Story, name)
    for name in (
        "accounts",
        "followers",
        "following",
        "home",
        "notices",
        "pins",
        "posts",
        "reports",
        "results",
        "sent",
    )
}
