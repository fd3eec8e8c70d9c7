"""What is written down of other hosts: to which nothing is sent, and which are forgotten.

What a process learns of them it keeps in `hosts`, which writes it down.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, func, or_
from sqlalchemy import select as select_core
from sqlmodel import col, select

from activitypub import origin
from fedi import logs
from fedi.database import Session, Transaction
from fedi.database.insertion import table_of
from fedi.database.marks import change
from fedi.database.tables import Account, DomainAllow, DomainRule, Follow, PeerHost, Relay

TOPIC = "hosts"  # what processes watch for changes of it
AT_ONCE = 500  # hosts of one statement
FORGET_AFTER = timedelta(days=90)  # without a word in either direction
MAX_ROWS = 50_000  # hosts that are written down; the fediverse has about 30,000 that live

log = logs.get(__name__)

_HOSTS = table_of(PeerHost).c
_RESTED = select_core(_HOSTS.host).where(
    _HOSTS.host.in_(bindparam("hosts", expanding=True)), _HOSTS.rested_at.is_not(None)
)


async def rested(session: Session, names: list[str]) -> set[str]:
    """Those of these hosts to which nothing is sent any more."""
    found: set[str] = set()
    for start in range(0, len(names), AT_ONCE):
        rows = await session.execute(_RESTED, {"hosts": names[start : start + AT_ONCE]})
        found.update(rows.scalars())
    return found


async def retry(tx: Transaction, host: str) -> bool:
    """Forget what was wrong with a host; False if nothing is known of it."""
    row = await tx.get(PeerHost, host)
    if row is None:
        return False
    row.failures, row.error = 0, ""
    row.failing_since = row.open_until = row.rested_at = None
    tx.add(row)
    await change(tx, TOPIC)
    return True


async def prune(tx: Transaction) -> None:
    """Forget hosts without a word in either direction for long."""
    long_ago = tx.now - FORGET_AFTER
    await tx.execute(
        delete(PeerHost).where(
            col(PeerHost.first_seen_at) < long_ago,
            *(
                or_(col(moment).is_(None), col(moment) < long_ago)
                for moment in (PeerHost.seen_at, PeerHost.delivered_at, PeerHost.failed_at)
            ),
        )
    )


async def cap(tx: Transaction) -> None:
    """Forget hosts, if there are too many: those first that had no word for the longest time, and
    none that is needed."""
    count = (await tx.execute(select(func.count()).select_from(PeerHost))).scalar_one()
    too_many = count - MAX_ROWS
    if too_many <= 0:
        return
    needed = await _needed(tx)
    last = func.coalesce(PeerHost.seen_at, PeerHost.delivered_at, PeerHost.first_seen_at)
    oldest = await tx.execute(
        select(col(PeerHost.host)).order_by(last, col(PeerHost.host)).limit(too_many + len(needed))
    )
    hosts = [host for host in oldest.scalars() if host not in needed][:too_many]
    for start in range(0, len(hosts), AT_ONCE):
        names = hosts[start : start + AT_ONCE]
        await tx.execute(delete(PeerHost).where(col(PeerHost.host).in_(names)))
    log.info("hosts_forgotten", count=len(hosts), needed=len(needed))


async def _needed(session: Session) -> set[str]:
    """The hosts that have a rule, are relays of ours, or whose people follow somebody here or are
    followed: what is known of them is never forgotten."""
    relays = (await session.exec(select(Relay.inbox_uri))).all()
    found = {origin.host(uri) or "" for uri in relays}
    for named in (DomainRule.domain, DomainAllow.domain):
        found.update((await session.exec(select(named).distinct())).all())
    for theirs in (Follow.account_id, Follow.target_account_id):
        followed = select(Account.domain).join(Follow, col(Account.id) == col(theirs)).distinct()
        rows = await session.exec(followed.where(col(Account.domain).is_not(None)))
        found.update(domain for domain in rows.all() if domain)
        # Whose handles are of another domain than their server is.
        inside = "%://" + col(Account.domain) + "/%"
        split = select(Account.uri).join(Follow, col(Account.id) == col(theirs)).distinct()
        rows = await session.exec(
            split.where(col(Account.domain).is_not(None), ~col(Account.uri).like(inside))
        )
        found.update(origin.host(uri) or "" for uri in rows.all())
    return found
