"""Those who run an instance, at their browsers, and whom they look after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from fedi.clock import FakeClock
from fedi.database.tables import Account, AuditEntry, Login, Report, Status
from fedi.social import accounts, reports
from tests.api.oauth.person import Person, Seen, at, join
from tests.mailbox import Mailbox
from tests.rig import Instance, NewDatabase, serve_instance
from tests.studio.test_reviews import STRICT
from tests.web import filling


async def appoint(instance: Instance, name: str = "max", role: str = "moderator") -> Account:
    """Somebody who helps to run an instance."""
    account = await join(instance, name)
    async with instance.easel.database.write() as tx:
        login = await tx.get_one(Login, account.id)
        login.role = role
        tx.add(login)
    return account


@asynccontextmanager
async def guarded(
    folder: Path, new_database: NewDatabase, clock: FakeClock, mailbox: Mailbox
) -> AsyncIterator[Instance]:
    """An instance of ada's, who looks at whoever wants to join, and at doubtful pictures."""
    async with serve_instance(
        folder,
        new_database(),
        clock=clock,
        mail=mailbox.settings,
        safety=STRICT,
        registrations={"mode": "approval"},
    ) as instance:
        await appoint(instance, "ada", "admin")
        yield instance


@asynccontextmanager
async def signed_in(instance: Instance, name: str = "max") -> AsyncIterator[Person]:
    """Somebody's browser."""
    async with at(instance) as visitor:
        await visitor.sign_in(name)
        yield visitor


async def waiting(instance: Instance, name: str = "newbie", reason: str = "I paint.") -> Account:
    """Somebody who has confirmed their address, and waits."""
    async with instance.easel.database.write() as tx:
        account = await accounts.add_person(tx, name)
        account.suspended_at = tx.now
        tx.add_all(
            [
                account,
                Login(
                    account_id=account.id,
                    email=f"{name}@mail.example",
                    reason=reason,
                    address="192.0.2.7",
                    created_at=tx.now,
                    confirmed_at=tx.now,
                ),
            ]
        )
    return account


async def report(
    instance: Instance, by: Account, about: Account, words: str = "Look.", *posts: Status
) -> Report:
    async with instance.easel.database.write() as tx:
        return await reports.make(tx, by, about, words, posts, forward=False, category="other")


async def row(instance: Instance, kind: type[Any], id_: Any) -> Any:
    async with instance.easel.database.read() as session:
        return await session.get(kind, id_)


async def done(instance: Instance) -> list[tuple[str, str, str]]:
    """What was written down: by whom, what, to what; the first first."""
    async with instance.easel.database.read() as session:
        found = await session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))
        return [(one.actor, one.action, one.target) for one in found.all()]


async def press(visitor: Person, page: str, path: str, /, **typed: str) -> Seen:
    """Fill in the form of a page that leads to `path` and send it, as a browser without scripts."""
    seen = await visitor.get(page)
    assert seen.status == 200, (page, seen.status, seen.body[:400])
    return await visitor.post(path, filling.filled(filling.form_of(seen, path)) | typed)
