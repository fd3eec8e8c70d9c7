"""What people are told by mail: jobs of the kind `mail`, done by whoever writes letters.

The payload is `{"what": WHAT, …}` with ids, never with what opens something: links are made when
the letter is written.

| what               | with                                                                    |
|--------------------|-------------------------------------------------------------------------|
| `confirm`          | `account_id`                                                            |
| `confirm_again`    | `email`, as somebody typed it: it may be nobody's                       |
| `taken`            | `account_id` (whose address somebody wants to come with)                |
| `reset`            | `email`, as somebody typed it: it may be nobody's                       |
| `password_changed` | `account_id`                                                            |
| `passkey_added`    | `account_id`, `name` (as it was given)                                  |
| `codes_on`         | `account_id`                                                            |
| `codes_off`        | `account_id`                                                            |
| `new_email`        | `account_id`, `email` (the new address, to which it goes)               |
| `email_wanted`     | `account_id`, `email` (the address of today, to which it goes)          |
| `email_changed`    | `account_id`, `email` (the old address, to which it goes)               |
| `new_browser`      | `account_id`, `browser` (what it calls itself), `at`                    |
| `moved`            | `account_id`, `target` (as people name it)                              |
| `waiting`          | `account_id` (who waits for a moderator)                                |
| `approved`         | `account_id`                                                            |
| `rejected`         | `email`, `name`: the account is gone                                    |
| `warning`          | `warning_id`                                                            |
| `digest`           | `account_id`, `since` (of the last one)                                 |
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import delete
from sqlmodel import col

from fedi.database import Transaction
from fedi.database.tables import Job
from fedi.jobs import enqueue

What = Literal[
    "confirm",
    "confirm_again",
    "taken",
    "reset",
    "password_changed",
    "passkey_added",
    "codes_on",
    "codes_off",
    "new_email",
    "email_wanted",
    "email_changed",
    "new_browser",
    "moved",
    "waiting",
    "approved",
    "rejected",
    "warning",
    "digest",
]


async def write(
    tx: Transaction,
    what: What,
    *,
    delay: timedelta = timedelta(),
    key: str | None = None,
    **rest: Any,
) -> None:
    """Write a letter, once this transaction is committed.

    Args:
        what: a line of the table above.
        delay: how long to wait at least.
        key: while a letter with this key waits, another one is not written (see `withdraw`).
        rest: what that line asks for.
    """
    await enqueue(tx, "mail", {"what": what, **rest}, delay=delay, unique_key=key)


def key_of_new_email(account_id: int) -> str:
    """The key of the letter to a new address of an account."""
    return f"new_email {account_id}"


async def withdraw(tx: Transaction, key: str) -> None:
    """Write a letter no more that waits under a key."""
    await tx.execute(
        delete(Job).where(col(Job.unique_key) == key).execution_options(synchronize_session=False)
    )
