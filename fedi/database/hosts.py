"""How other servers want to be talked to: read when an instance starts, written when it is found
out, kept in memory between (`activitypub.signatures.Schemes`)."""

from __future__ import annotations

from sqlmodel import col, select

from activitypub.signatures import Scheme
from activitypub.signatures.signer import HOSTS_KEPT
from fedi.database.engine import Database
from fedi.database.insertion import insert_into
from fedi.database.tables import PeerHost


async def schemes(database: Database) -> dict[str, Scheme]:
    """The hosts that want another signature than most do, the newest first."""
    query = (
        select(PeerHost.host)
        .where(PeerHost.signature == Scheme.RFC9421)
        .order_by(col(PeerHost.first_seen_at).desc())
        .limit(HOSTS_KEPT)
    )
    async with database.read() as session:
        return dict.fromkeys((await session.exec(query)).all(), Scheme.RFC9421)


async def learn(database: Database, host: str, scheme: Scheme) -> None:
    """A host took this kind of signature, and not the one that it was believed to take."""
    async with database.write() as tx:
        row = insert_into(tx, PeerHost).values(
            host=host, signature=scheme.value, first_seen_at=tx.now
        )
        await tx.execute(
            row.on_conflict_do_update(index_elements=["host"], set_={"signature": scheme.value})
        )
