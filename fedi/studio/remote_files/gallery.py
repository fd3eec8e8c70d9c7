"""Files of others as pages and apps show them: an address of ours, and what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import String
from sqlmodel import select

from fedi.database import Session
from fedi.database.among import among
from fedi.database.tables import RemoteFile
from fedi.runtime import Easel
from fedi.settings import InstanceSettings
from fedi.studio.remote_files import claims, rules
from fedi.studio.remote_files.claims import Addresses, Claim

_ROWS: Any = select(RemoteFile).where(among(RemoteFile.key, "keys", String))  # made once

LOOKED_UP = 500  # files of one page of which more is looked up than their address


class Framed(Struct, frozen=True, kw_only=True):
    """A file of another server, ready to be shown.

    `original` and `small` are paths under our origin. The rest is empty until it was fetched;
    `file` is the storage key of the original.
    `error` says why it cannot be had; then it is better linked than shown.
    """

    original: str
    small: str
    file: str = ""
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    blurhash: str | None = None
    error: str = ""


class Gallery:
    """What a page needs to show files: the instance, and those of others that it knows.

    Args:
        instance: whose page it is.
        addresses: of the instance.
        rows: what is known of files that were seen before.
        hidden: hosts whose files are not shown.
        now: files that may be tried again by now are shown.
    """

    def __init__(
        self,
        instance: InstanceSettings,
        addresses: Addresses,
        rows: Mapping[Claim, RemoteFile],
        hidden: frozenset[str],
        now: datetime,
    ) -> None:
        self.instance = instance
        self._addresses = addresses
        self._rows = rows
        self._hidden = hidden
        self.now = now

    def find(self, claim: Claim | None) -> Framed | None:
        """How a file is shown; None for what is only linked."""
        ours = f"{self.instance.url}/media/"
        if claim is not None and claim.kind == "emoji" and claim.url.startswith(ours):
            path = claim.url.removeprefix(self.instance.url)
            return Framed(original=path, small=path)
        if claim is None or not self._addresses.usable(claim) or claim.host in self._hidden:
            return None
        row = self._rows.get(claim)
        original = self._addresses.path(claim, "original")
        small = self._addresses.path(claim, "small")
        if row is None:
            return Framed(original=original, small=small)
        # Once it may be tried again it is shown: that is what has it tried.
        due = row.next_attempt_at is None or row.next_attempt_at <= self.now
        return Framed(
            original=original,
            small=small,
            file=row.file or "" if row.state == "ready" else "",
            media_type=row.media_type,
            width=row.width,
            height=row.height,
            blurhash=row.blurhash,
            error=row.error if row.state == "failed" and not due else "",
        )


async def of(easel: Easel, session: Session, wanted: Iterable[Claim]) -> Gallery:
    """A gallery for a page.

    Args:
        easel: the instance.
        session: for one query.
        wanted: what the page shows.
    """
    addresses = await claims.addresses(easel)
    usable = {
        addresses.key(claim): claim
        for claim in list(dict.fromkeys(wanted))[:LOOKED_UP]
        if addresses.usable(claim)
    }
    rows = {}
    if usable:
        found = await session.execute(_ROWS, {"keys": list(usable)})
        rows = {usable[row.key]: row for row in found.scalars()}
    hosts = {claim.host for claim in usable.values()}
    hidden = await rules.hidden(easel, hosts)
    instance = easel.settings.instance
    return Gallery(instance, addresses, rows, frozenset(hidden), session.now)
