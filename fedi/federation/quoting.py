"""The `quote` job: whether the author of a quoted post agrees to a post that quotes it (FEP-044f).

Only a stamp that the quoted author's own server shows is leave; without one a quote stays a link.
"""

from __future__ import annotations

from datetime import timedelta

from fedi import ids
from fedi.database.tables import Account, Quote, Status
from fedi.federation import remote, stamps
from fedi.jobs import Backoff, Claimed, handles
from fedi.runtime import Easel
from fedi.social import quotes

BACKOFF = Backoff(first=timedelta(minutes=1), factor=10)
STAMPS = frozenset({"QuoteAuthorization"})


@handles("quote", attempts=4, at_once=4, backoff=BACKOFF)
async def quote(easel: Easel, job: Claimed) -> None:
    """Read what is quoted and the stamp, and settle whether the quote stands."""
    status_id: int = job.payload["status_id"]
    async with easel.database.read() as session:
        status = await session.get(Status, status_id)
        found = await session.get(Quote, status_id)
    if status is None or status.deleted_at is not None or found is None:
        return
    quoted, good = None, False
    with stamps.reading():
        quoted = await remote.status(easel, found.quoted_uri)
        if quoted is not None and quoted.reblog_of_id is None:
            good = await _agreed(easel, status, quoted, found.authorization_uri)
    async with easel.database.write() as tx:
        await quotes.settle(tx, status, quoted, good=good)
        await job.finish(tx)


async def _agreed(easel: Easel, status: Status, quoted: Status, stamp: str | None) -> bool:
    """Whether the quoted author agrees; who quotes themselves needs nobody's leave."""
    if quoted.account_id == status.account_id:
        return True
    if stamp is None:
        return False
    async with easel.database.read() as session:
        author = await session.get(Account, quoted.account_id)
        assert author is not None
        if author.local:
            prefix, _, key = stamp.rpartition("/")
            number = ids.parse(key)
            if prefix != f"{author.uri}/stamps" or number is None:
                return False
            ours = await quotes.find_stamp(session, author, number)
            return (
                ours is not None
                and ours.status_id == quoted.id
                and ours.quoting_uri == status.uri
                and ours.quoting_account_id == status.account_id
            )
    return await stamps.holds(easel, stamp, STAMPS, author, quoted, status)
