"""What people do in the journeys: through the commands and the HTTP faces that they would use."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from sqlmodel import select

from fedi.database.tables import Account, Status
from fedi.federation import remote
from fedi.social import accounts, credentials, follows, posts, statuses, timelines
from tests.rig import Instance

ACTIVITY_TYPE = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


class Person:
    """A local account of an instance, and what they do there."""

    def __init__(self, instance: Instance, name: str, token: str) -> None:
        self.instance = instance
        self.name = name
        self.token = token

    @classmethod
    async def join(cls, instance: Instance, name: str) -> Person:
        async with instance.easel.database.write() as tx:
            account = await accounts.create_local(tx, name)
            token = await credentials.issue_token(tx, account, "test", "read write follow")
        return cls(instance, name, token)

    @property
    def acct(self) -> str:
        return f"{self.name}@{self.instance.domain}"

    @property
    def uri(self) -> str:
        return f"{self.instance.url}/users/{self.name}"

    async def account(self) -> Account:
        async with self.instance.easel.database.read() as session:
            account = await accounts.find_local(session, self.name)
        assert account is not None
        return account

    async def knows(self, other: Person) -> Account:
        """The other person, as this person's server knows them."""
        return await remote.resolve(self.instance.easel, other.acct)

    async def follow(self, other: Person) -> None:
        target = await self.knows(other)
        async with self.instance.easel.database.write() as tx:
            await follows.request(tx, await self.account(), target)

    async def unfollow(self, other: Person) -> None:
        target = await self.knows(other)
        async with self.instance.easel.database.write() as tx:
            await follows.remove(tx, await self.account(), target)

    async def post(self, browser: aiohttp.ClientSession, text: str, **changes: Any) -> str:
        """Post a Note to the outbox, as an app does; the id of the Note."""
        note = {
            "@context": "https://www.w3.org/ns/activitystreams",
            "type": "Note",
            "content": f"<p>{text}</p>",
            "to": [PUBLIC],
            "cc": [f"{self.uri}/followers"],
            **changes,
        }
        async with browser.post(
            f"{self.uri}/outbox",
            data=json.dumps(note),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": ACTIVITY_TYPE},
        ) as answer:
            assert answer.status == 201, await answer.text()
            return answer.headers["Location"].removesuffix("/activity")

    async def status(self, uri: str) -> Status | None:
        """A status as this person's server lets them see it."""
        async with self.instance.easel.database.read() as session:
            return await statuses.load_by_uri(session, await self.account(), uri)

    async def home(self) -> list[posts.Post]:
        async with self.instance.easel.database.read() as session:
            account = await self.account()
            found = await timelines.home(session, account, timelines.Page(limit=40))
            return await posts.assemble(session, found, account)

    async def home_uris(self) -> list[str]:
        return [post.status.uri for post in await self.home()]

    async def notifications(self) -> list[str]:
        from fedi.database.tables import Notification

        account = await self.account()
        async with self.instance.easel.database.read() as session:
            rows = await session.exec(
                select(Notification.type).where(Notification.account_id == account.id)
            )
            return sorted(rows.all())
