"""People of tests: local and remote accounts, and what they post, without anything in between."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlmodel import col, select

from activitypub.signatures.keys import generate
from fedi.database import Session, Transaction
from fedi.database.tables import Account, HomeEntry, Job, MediaAttachment, Notification, Status
from fedi.runtime import Easel
from fedi.social import accounts, follows, remote_accounts, statuses
from fedi.social.remote_accounts import RemoteAccount
from fedi.social.statuses import Draft, Received

PAINTED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PAINTED_OVER = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
ELSEWHERE = "elsewhere.example"


@cache
def public_key() -> str:
    return generate()[1]


async def local(easel: Easel, name: str, **changes: Any) -> Account:
    """A local account; `changes` are columns."""
    async with easel.database.write() as tx:
        account = await accounts.create_local(tx, name)
        for column, value in changes.items():
            setattr(account, column, value)
        tx.add(account)
    return account


def described(name: str, domain: str = ELSEWHERE, **changes: Any) -> RemoteAccount:
    """Somebody elsewhere, as their server would describe them."""
    uri = f"https://{domain}/users/{name}"
    fields = {
        "uri": uri,
        "url": f"https://{domain}/@{name}",
        "username": name,
        "domain": domain,
        "inbox_uri": f"{uri}/inbox",
        "shared_inbox_uri": f"https://{domain}/inbox",
        "followers_uri": f"{uri}/followers",
        "public_key_id": f"{uri}#main-key",
        "public_key_pem": public_key(),
        **changes,
    }
    return RemoteAccount(**fields)


async def remote(easel: Easel, name: str, domain: str = ELSEWHERE, **changes: Any) -> Account:
    async with easel.database.write() as tx:
        return await remote_accounts.save_remote(tx, described(name, domain, **changes))


async def follow(easel: Easel, account: Account, target: Account) -> None:
    """`account` follows `target`, and that holds."""
    async with easel.database.write() as tx:
        if account.local:
            found = await follows.request(tx, account, target)
        else:
            found = await follows.receive(tx, account, target, f"{account.uri}#f/{target.id}")
        if found.state != follows.ACCEPTED:
            await follows.accept(tx, found)


async def publish(easel: Easel, author: Account, text: str = "hello", **draft: Any) -> Status:
    async with easel.database.write() as tx:
        return await statuses.publish(tx, author, Draft(text=text, **draft))


async def receive(
    easel: Easel, author: Account, key: str = "1", *, live: bool = True, **changes: Any
) -> Status | None:
    """A post of a remote account arrives."""
    fields = {"uri": f"{author.uri}/statuses/{key}", "content": "<p>hello</p>", **changes}
    async with easel.database.write() as tx:
        return await statuses.receive(tx, author, Received(**fields), live=live)


async def picture(easel: Easel, author: Account, **changes: Any) -> int:
    """A picture of a local account that no post has yet: its id."""
    columns = {"file": "key.png", "media_type": "image/png", **changes}
    async with easel.database.write() as tx:
        row = MediaAttachment(id=tx.new_id(), account_id=author.id, created_at=tx.now, **columns)
        tx.add(row)
    return row.id


async def fresh(easel: Easel, row: Any) -> Any:
    """A row as it stands in the database; None if it is gone."""
    async with easel.database.read() as session:
        return await session.get(type(row), row.id)


async def home_ids(easel: Easel, account: Account) -> list[int]:
    """What stands written in a home, the oldest first, whatever may be seen of it."""
    async with easel.database.read() as session:
        rows = await session.exec(
            select(HomeEntry.status_id)
            .where(HomeEntry.account_id == account.id)
            .order_by(col(HomeEntry.status_id))
        )
        return list(rows.all())


async def told(easel: Easel, *whats: str) -> list[dict[str, Any]]:
    """What the world is to be told, in order; only `whats`, if any are named."""
    async with easel.database.read() as session:
        rows = await session.exec(
            select(Job.payload).where(Job.kind == "federate").order_by(col(Job.id))
        )
        return [payload for payload in rows.all() if not whats or payload["what"] in whats]


async def notices(easel: Easel, account: Account) -> list[tuple[str, int, int | None]]:
    """An account's notifications, the oldest first: what, from whom, about which status."""
    async with easel.database.read() as session:
        rows = await session.exec(
            select(Notification)
            .where(Notification.account_id == account.id)
            .order_by(col(Notification.id))
        )
        return [(row.type, row.from_account_id, row.status_id) for row in rows.all()]


async def by_uri(session: Session | Transaction, uri: str) -> Status | None:
    """A status, dead or alive."""
    return (await session.exec(select(Status).where(Status.uri == uri))).first()
