"""A local account of an Easel instance, as the tests drive it against other servers."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta

from PIL import Image
from sqlmodel import col, select

from fedi.database.tables import Account, MediaAttachment, Pin, Status
from fedi.federation import remote
from fedi.social import (
    accounts,
    blocks,
    favourites,
    follows,
    notifications,
    posts,
    reblogs,
    statuses,
    timelines,
)
from fedi.studio import media
from tests.rig import Instance

FOCUS = (0.25, -0.5)  # of every picture that `post` attaches
PROMPT = "a red fox asleep in the snow"
MODEL = "example/fox-painter"
PAINTED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@dataclass(frozen=True)
class Seen:
    """A post of another server as it stands on ours."""

    uri: str
    author: str
    content: str
    visibility: str
    pictures: list[MediaAttachment]
    edited: bool
    boosted_by: str | None


class Author:
    """What a local account does; each deed comes back after all the jobs that it caused."""

    def __init__(self, instance: Instance, name: str) -> None:
        self.instance = instance
        self.name = name
        self.uri = f"{instance.url}/users/{name}"
        self.handle = f"{name}@{instance.domain}"

    @classmethod
    async def create(cls, instance: Instance, name: str) -> Author:
        async with instance.easel.database.write() as tx:
            await accounts.create_local(tx, name)
        return cls(instance, name)

    async def settle(self) -> None:
        """Do what is due; afterwards it is a second later, so that edits are newer."""
        await self.instance.run_jobs()
        self.instance.clock.advance(timedelta(seconds=1))

    async def account(self) -> Account:
        async with self.instance.easel.database.read() as session:
            account = await accounts.find_local(session, self.name)
        assert account is not None
        return account

    async def _status(self, uri: str) -> Status:
        """A post that this account may see, fetched if it is not known yet."""
        await remote.status(self.instance.easel, uri)
        async with self.instance.easel.database.read() as session:
            status = await statuses.load_by_uri(session, await self.account(), uri)
        assert status is not None, f"{self.name} cannot see {uri}"
        return status

    # people

    async def follow(self, handle: str) -> None:
        target = await remote.resolve(self.instance.easel, handle)
        async with self.instance.easel.database.write() as tx:
            await follows.request(tx, await self.account(), target)
        await self.settle()

    async def unfollow(self, uri: str) -> None:
        target = await remote.resolve(self.instance.easel, uri)
        async with self.instance.easel.database.write() as tx:
            await follows.remove(tx, await self.account(), target)
        await self.settle()

    async def block(self, uri: str) -> None:
        target = await remote.resolve(self.instance.easel, uri)
        async with self.instance.easel.database.write() as tx:
            await blocks.add(tx, await self.account(), target)
        await self.settle()

    async def unblock(self, uri: str) -> None:
        target = await remote.resolve(self.instance.easel, uri)
        async with self.instance.easel.database.write() as tx:
            await blocks.remove(tx, await self.account(), target)
        await self.settle()

    async def lock(self) -> None:
        """From now on, whoever wants to follow has to ask."""
        async with self.instance.easel.database.write() as tx:
            account = await self.account()
            account.locked = True
            tx.add(account)

    async def refuse(self, uri: str) -> None:
        """Refuse the request to follow of somebody."""
        other = await remote.resolve(self.instance.easel, uri)
        async with self.instance.easel.database.write() as tx:
            requests = await follows.requests(tx, await self.account())
            [request] = [request for request in requests if request.account_id == other.id]
            await follows.reject(tx, request)
        await self.settle()

    async def rename(self, name: str) -> None:
        async with self.instance.easel.database.write() as tx:
            account = await self.account()
            account.display_name = name
            await accounts.update_profile(tx, account)
        await self.settle()

    async def leave(self) -> None:
        """Delete the account."""
        async with self.instance.easel.database.write() as tx:
            await accounts.delete_account(tx, await self.account())
        await self.settle()

    async def sees(self, uri: str) -> Account | None:
        """Somebody elsewhere, as this instance has them stored."""
        async with self.instance.easel.database.read() as session:
            return await accounts.by_uri(session, uri)

    async def followers(self) -> list[str]:
        async with self.instance.easel.database.read() as session:
            found = await follows.followers(session, await self.account())
        return [account.uri for _, account in found]

    async def following(self) -> list[str]:
        async with self.instance.easel.database.read() as session:
            found = await follows.following(session, await self.account())
        return [account.uri for _, account in found]

    # posts

    async def post(
        self,
        text: str,
        *,
        picture: bytes | None = None,
        alt: str = "",
        painted: bool = False,
        visibility: str = "public",
        in_reply_to: str | None = None,
    ) -> str:
        """Post; `painted` says that the picture came out of a model. Returns the post's id."""
        easel = self.instance.easel
        parent = await self._status(in_reply_to) if in_reply_to else None
        author = await self.account()
        stored = None
        if picture is not None:
            prepared = await media.prepare_upload(picture, easel.settings.media)
            stored = await media.store(easel.storage, prepared)
        async with easel.database.write() as tx:
            attached = []
            if stored is not None:
                row = media.add_upload(tx, author, stored, description=alt, focus=FOCUS)
                if painted:
                    row.digital_source_type, row.ai_system = PAINTED, MODEL
                    row.ai_prompt, row.share_recipe = PROMPT, True
                await tx.flush()
                attached.append(row.id)
            draft = statuses.Draft(
                text=text,
                visibility=visibility,
                media_ids=attached,
                in_reply_to_id=parent.id if parent else None,
            )
            status = await statuses.publish(tx, author, draft)
            uri = status.uri
        await self.settle()
        return uri

    async def edit(self, uri: str, text: str) -> None:
        status = await self._status(uri)
        async with self.instance.easel.database.write() as tx:
            row = await tx.get(Status, status.id)
            assert row is not None
            await statuses.edit(tx, await self.account(), row, statuses.Draft(text=text))
        await self.settle()

    async def delete(self, uri: str) -> None:
        status = await self._status(uri)
        async with self.instance.easel.database.write() as tx:
            row = await tx.get(Status, status.id)
            assert row is not None
            await statuses.delete(tx, row)
        await self.settle()

    async def like(self, uri: str) -> None:
        status = await self._status(uri)
        async with self.instance.easel.database.write() as tx:
            await favourites.add(tx, await self.account(), status)
        await self.settle()

    async def unlike(self, uri: str) -> None:
        status = await self._status(uri)
        async with self.instance.easel.database.write() as tx:
            await favourites.remove(tx, await self.account(), status)
        await self.settle()

    async def boost(self, uri: str) -> None:
        status = await self._status(uri)
        async with self.instance.easel.database.write() as tx:
            await reblogs.add(tx, await self.account(), status)
        await self.settle()

    async def unboost(self, uri: str) -> None:
        status = await self._status(uri)
        async with self.instance.easel.database.write() as tx:
            await reblogs.remove(tx, await self.account(), status)
        await self.settle()

    async def pin(self, uri: str) -> None:
        status = await self._status(uri)
        author = await self.account()
        async with self.instance.easel.database.write() as tx:
            tx.add(
                Pin(id=tx.new_id(), account_id=author.id, status_id=status.id, created_at=tx.now)
            )

    # what is seen here

    async def home(self) -> list[Seen]:
        """The posts of others in the home timeline, the newest first."""
        author = await self.account()
        async with self.instance.easel.database.read() as session:
            found = await timelines.home(session, author, timelines.Page(limit=40))
            shown = await posts.assemble(session, found, author)
        return [_seen(post) for post in shown if post.account.id != author.id]

    async def known(self) -> list[Seen]:
        """Every post of others that this account may see, in a timeline or not."""
        author = await self.account()
        async with self.instance.easel.database.read() as session:
            query = statuses.visible_to(author).where(col(Status.local).is_(False))
            found = (await session.exec(query)).all()
            return [_seen(post) for post in await posts.assemble(session, found, author)]

    async def notifications(self) -> list[tuple[str, str]]:
        """(kind, who) of each, the newest first."""
        async with self.instance.easel.database.read() as session:
            rows = await notifications.newest(session, await self.account())
            people = await session.exec(
                select(Account.id, Account.uri).where(
                    col(Account.id).in_([row.from_account_id for row in rows])
                )
            )
            uris = dict(people.all())
        return [(row.type, uris[row.from_account_id]) for row in rows]


def _seen(post: posts.Post) -> Seen:
    shown = post.reblog or post
    return Seen(
        uri=shown.status.uri,
        author=shown.account.uri,
        content=shown.status.content,
        visibility=shown.status.visibility,
        pictures=shown.media,
        edited=shown.status.edited_at is not None,
        boosted_by=post.account.uri if post.reblog else None,
    )


def paint(width: int, height: int) -> bytes:
    """A PNG of this size."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
