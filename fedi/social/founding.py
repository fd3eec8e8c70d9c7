"""The first account of an instance: made on a page, by whoever started the server.

As long as nobody can sign in here, there is a key, which the server prints when it starts: whoever
has it makes the account that runs the instance. Then there is none any more; but as long as its
owner is not done with setting it up, it is known where they are with that.
"""

from __future__ import annotations

import hmac
import secrets

from sqlmodel import select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, InstanceSecret, Login, Mark
from fedi.social import accounts
from fedi.social.errors import NotFound

SECRET = "founding"
KEY_BYTES = 16
STEP = "setup"  # the mark that holds where its owner is
STEPS = ("place", "model")  # what is asked one after the other, once there is an account
OVER = "That address does not hold, or not any more. The server prints it when it starts."


async def key(tx: Transaction) -> str | None:
    """What lets its bearer make the first account; None if there is one."""
    row = await tx.get(InstanceSecret, SECRET)
    if (await tx.exec(select(Login.account_id).limit(1))).first() is not None:
        if row is not None:
            await tx.delete(row)
        return None
    if row is None:
        made = InstanceSecret(
            name=SECRET, value=secrets.token_urlsafe(KEY_BYTES), created_at=tx.now
        )
        await add_once(tx, made)
        row = await tx.get_one(InstanceSecret, SECRET)
    return row.value


async def check(session: Session, key: str) -> None:
    """Refuse who does not have the key.

    Raises:
        NotFound: that is not it, or there is somebody already.
    """
    row = await session.get(InstanceSecret, SECRET)
    if row is None or not hmac.compare_digest(row.value.encode(), key.encode()):
        raise NotFound(OVER)


async def found(
    tx: Transaction, key: str, username: str, password: str, *, email: str = ""
) -> Account:
    """Make the account that runs the instance.

    Raises:
        NotFound: as `check`.
        Invalid: as `accounts.create_local`.
    """
    await tx.exec(select(InstanceSecret).where(InstanceSecret.name == SECRET).with_for_update())
    await check(tx, key)
    if (await tx.exec(select(Login.account_id).limit(1))).first() is not None:
        raise NotFound(OVER)  # made by the command line meanwhile
    account = await accounts.create_local(
        tx, username, password=password, email=email or None, role="admin"
    )
    await tx.delete(await tx.get_one(InstanceSecret, SECRET))
    await go_on(tx, STEPS[0])
    return account


async def step(session: Session) -> str:
    """Which of `STEPS` comes next; empty if the instance is set up."""
    row = await session.get(Mark, STEP)
    return "" if row is None else row.value


async def go_on(tx: Transaction, step: str) -> None:
    """Note which of `STEPS` comes next."""
    row = await tx.get(Mark, STEP) or Mark(name=STEP)
    row.value = step
    tx.add(row)
    await tx.flush()


async def finish(tx: Transaction) -> bool:
    """Note that it is set up.

    Returns whether it was not before: of who presses twice at once, the second waits for the first.
    """
    query = select(Mark).where(Mark.name == STEP).with_for_update()
    row = (await tx.exec(query)).first()
    if row is not None:
        await tx.delete(row)
        await tx.flush()
    return row is not None
