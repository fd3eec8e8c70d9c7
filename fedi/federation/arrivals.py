"""What is read because of what arrived: what a post from elsewhere shows, where the host wants its
files at once; and what somebody pins (the job `featured`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlmodel import col, select

from activitypub import origin
from fedi.database import Transaction
from fedi.database.tables import Account, Follow, Status
from fedi.jobs import NewJob, enqueue_many
from fedi.runtime import Easel
from fedi.social import follows
from fedi.social.statuses import NewStatus

PINS_AFTER = timedelta(minutes=1)  # many changes of a profile lead to one reading


async def expect(easel: Easel, tx: Transaction, status: Status | None) -> None:
    """A post from elsewhere was stored or has changed: its files may be fetched now.

    With `media.remote = "view"` they are fetched when somebody sees them.
    """
    await expect_all(easel, tx, [] if status is None else [status])


async def expect_all(easel: Easel, tx: Transaction, statuses: Iterable[Status | NewStatus]) -> None:
    """`expect` for many."""
    if easel.settings.media.remote == "arrival":
        jobs = [
            NewJob({"status_id": status.id}, unique_key=f"remote_media {status.id}")
            for status in statuses
        ]
        await enqueue_many(tx, "remote_media", jobs)


async def expect_pins(tx: Transaction, people: Sequence[Account]) -> None:
    """Ask for what people pin, as far as they are elsewhere and show it on their own server."""
    jobs = [
        NewJob(
            {"account_id": account.id},
            lane=origin.host(account.uri) or "",
            delay=PINS_AFTER,
            unique_key=f"featured {account.id}",
        )
        for account in people
        if not account.local and origin.same_origin(account.featured_uri, account.uri)
    ]
    if jobs:
        await enqueue_many(tx, "featured", jobs)


async def expect_pins_of_followed(tx: Transaction, people: Sequence[Account]) -> None:
    """`expect_pins` of those whom somebody here follows."""
    showing = {account.id: account for account in people if account.featured_uri}
    if not showing:
        return
    followed = await tx.exec(
        select(Follow.target_account_id)
        .join(Account, col(Account.id) == col(Follow.account_id))
        .where(
            col(Follow.target_account_id).in_(sorted(showing)),
            Follow.state == follows.ACCEPTED,
            col(Account.domain).is_(None),
        )
        .distinct()
    )
    await expect_pins(tx, [showing[account_id] for account_id in sorted(followed.all())])
