"""Other servers, as far as we remember how to talk to them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from fedi.database.tables.columns import moment


class PeerHost(SQLModel, table=True):
    """Another server, under its authority; one without a row is as most are."""

    __tablename__ = "peer_host"

    host: str = Field(primary_key=True)  # `host` or `host:port`
    signature: str = "cavage"  # the scheme by which it believes us: cavage, rfc9421
    first_seen_at: datetime = moment()


__all__ = ["PeerHost"]
