"""Pictures that did not come of a painter: which they were, and when it is trusted again.

A painter that is broken, or lies, is always free. It would be given every picture, and each would
die of it while others stand by. So what it was refused goes to another, if one can paint that; and
where several pictures in a row come to nothing, its connection ends, and it is let in again after
a pause that grows until it has made one.

This is remembered by painter and not by connection: whoever comes back is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fedi.clock import Clock
from fedi.studio import cards
from fedi.studio.connections import Connection, Ended, Work

# Different pictures: one that nobody could make says nothing of who tried it. Nor do many of one
# account that are too much for a card: what a painter admits counts once for whoever asked for it,
# who could keep the only painter from everybody otherwise.
IN_A_ROW = 3
REMEMBERED = 100  # pictures of one painter: more than are tried again at the same time
FIRST_PAUSE = timedelta(seconds=5)  # doubled with each further one
LONGEST_PAUSE = timedelta(minutes=5)


@dataclass(eq=False)
class _Record:
    """What is remembered of a painter."""

    pictures: dict[int, Work] = field(default_factory=dict)  # the latest last
    row: set[int] = field(default_factory=set)  # what counts since the last that came of it
    pauses: int = 0
    until: datetime | None = None


class Refusals:
    """The refusals of this process.

    Args:
        clock: what time it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[int, _Record] = {}

    def note(self, connection: Connection, work: Work, *, admitted: bool = False) -> None:
        """A picture did not come of a painter, and is tried again; the connection ends if that is
        one too many.

        Args:
            admitted: whether the painter says so itself, rather than bring something else.
        """
        record = self._records.setdefault(connection.painter.id, _Record())
        number = work.claim.painting_id
        record.pictures.pop(number, None)
        record.pictures[number] = work
        for oldest in list(record.pictures)[:-REMEMBERED]:
            del record.pictures[oldest]
        record.row.add(work.account_id if admitted else number)
        if len(record.row) >= IN_A_ROW:
            pause = min(FIRST_PAUSE * 2 ** min(record.pauses, 16), LONGEST_PAUSE)
            record.pauses += 1
            record.until = self._clock.now() + pause
            reason = "Too many pictures in a row did not come of it."
            connection.end(Ended(1013, reason))  # IANA's «try again later»

    def forgive(self, connection: Connection) -> None:
        """A picture came of a painter: whatever it failed at before is over."""
        if (record := self._records.get(connection.painter.id)) is not None:
            record.row.clear()
            record.pauses, record.until = 0, None

    def refuse(self, connection: Connection) -> None:
        """See that a painter may connect by now.

        Raises:
            Ended: its pause is not over.
        """
        record = self._records.get(connection.painter.id)
        if record is not None and record.until is not None and self._clock.now() < record.until:
            raise Ended(1013, "Too many pictures did not come of it: it may come back later.")

    def spared(self, connection: Connection, others: Iterable[Connection]) -> list[int]:
        """The pictures that a painter is not given again, since another that is here is free to
        try them, or will be."""
        record = self._records.get(connection.painter.id)
        if record is None:
            return []
        ready = [one for one in others if one is not connection and (one.slots or one.work)]
        return [
            number
            for number, work in record.pictures.items()
            if any(self._may_try(one, number, work) for one in ready)
        ]

    def _may_try(self, other: Connection, number: int, work: Work) -> bool:
        record = self._records.get(other.painter.id)
        tried = record is not None and number in record.pictures
        return not tried and other.suits(work.alike.model, cards.read(work.alike.needs))
