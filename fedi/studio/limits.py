"""What one account may ask for: so many pictures waiting, so many within an hour, so much to
begin with, and posts that can be made."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from weakref import WeakKeyDictionary

from sqlalchemy import case, func
from sqlmodel import col, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.tables import Account, InputPicture, Painting, PaintingInput
from fedi.runtime import Easel
from fedi.settings import PaintingSettings
from fedi.social import accounts, scheduling, statuses, text
from fedi.social.errors import Invalid, TooMany
from fedi.social.statuses import Draft
from fedi.studio import inputs, shares
from fedi.studio.inputs import Found

WAITING = ("queued", "painting")  # what a painter has still to do with
MB = 1_000_000
# Pictures to begin with that are kept for one account, however small: each is a row and a file.
MAX_INPUTS = 500
HOUR = timedelta(hours=1)  # within which an account's requests are counted
FORMS_AT_ONCE = 3  # that one account sends to one process; the bytes of each wait on the disk


@dataclass
class _Sending:
    """The forms of an account: when they were begun, of late, and how many are under way."""

    times: deque[datetime] = field(default_factory=deque)
    under_way: int = 0


_sending: WeakKeyDictionary[Easel, dict[int, _Sending]] = WeakKeyDictionary()


async def may_ask(session: Session, settings: PaintingSettings, account: Account) -> None:
    """Refuse, before anything is read of a request, who may ask for nothing now.

    Raises:
        Invalid, TooMany: as `refuse_too_many`, which decides.
    """
    await _refuse_waiting(session, settings, account)
    await _refuse_too_often(session, settings, account)


async def refuse_too_many(tx: Transaction, settings: PaintingSettings, account: Account) -> None:
    """Refuse who has asked for all that an account may; of two requests at once the second counts
    the first.

    Raises:
        Invalid: too many are waiting.
        TooMany: too many within an hour; it says when to ask again.
    """
    await accounts.take_turns(tx, account.id)
    await _refuse_waiting(tx, settings, account)
    await _refuse_too_often(tx, settings, account)


@contextlib.contextmanager
def forms(easel: Easel, account: Account) -> Iterator[None]:
    """While an account sends a form, with files: each costs as much as a picture that is asked for,
    whatever becomes of it, and so as many are allowed within an hour.

    Raises:
        TooMany: before anything of it is read.
    """
    now, most = easel.clock.now(), easel.settings.painting.max_per_hour
    known = _sending.setdefault(easel, {})
    for account_id, earlier in list(known.items()):
        while earlier.times and earlier.times[0] <= now - HOUR:
            earlier.times.popleft()
        if not earlier.times and not earlier.under_way:
            del known[account_id]
    of_account = known.setdefault(account.id, _Sending())
    if of_account.under_way >= FORMS_AT_ONCE:
        raise TooMany("You are sending files already; send these when those are there.", 5)
    if len(of_account.times) >= most:
        raise too_often(most, "picture", of_account.times[0] + HOUR - now)
    of_account.times.append(now)
    of_account.under_way += 1
    try:
        yield
    finally:
        of_account.under_way -= 1


async def make_room(
    tx: Transaction, settings: PaintingSettings, account: Account, wanted: Iterable[Found]
) -> None:
    """See that the pictures which are kept for an account are not too many, with those that it
    wants to begin with now. Those of paintings that have ended give way, the oldest first.

    Raises:
        Invalid: those of what waits leave no room.
    """
    sizes = {each.picture.digest: each.picture.size for each in wanted}
    if not sizes:
        return
    waits = func.max(case((col(Painting.state).in_(WAITING), 1), else_=0))
    rows = await tx.exec(
        select(PaintingInput.digest, col(InputPicture.size), waits)
        .join(InputPicture, col(InputPicture.digest) == col(PaintingInput.digest))
        .join(Painting, col(Painting.id) == col(PaintingInput.painting_id))
        .where(col(PaintingInput.account_id) == account.id)
        .group_by(col(PaintingInput.digest), col(InputPicture.size))
        .order_by(func.max(col(PaintingInput.painting_id)).desc())
    )
    room, places = settings.max_inputs_mb * MB, MAX_INPUTS
    ended = []
    for digest, size, waiting in rows.all():
        if waiting:
            sizes[digest] = size
        elif digest not in sizes:
            ended.append((digest, size))
    room, places = room - sum(sizes.values()), places - len(sizes)
    if room < 0 or places < 0:
        raise Invalid(
            "The pictures that your waiting paintings begin with are too "
            + ("large together" if room < 0 else "many")
            + f": at most {settings.max_inputs_mb} MB and {MAX_INPUTS} pictures are kept for one "
            "account. Ask again when some are painted."
        )
    gone = []
    for digest, size in ended:  # the newest first
        room, places = room - size, places - 1
        if room < 0 or places < 0:
            gone.append(digest)
    if gone:
        ties = (col(PaintingInput.account_id) == account.id) & col(PaintingInput.digest).in_(gone)
        await inputs.let_go(tx, ties)


async def refuse_unpostable(tx: Transaction, account: Account, draft: Draft) -> None:
    """What could not be posted later is better refused now.

    Raises:
        Invalid: with what to change.
        NotFound, NotAllowed: as for `statuses.publish`.
    """
    await statuses.check(tx, account, draft)
    if draft.scheduled_at is not None:
        await scheduling.check_time(tx, account, draft.scheduled_at)
    html = draft.content_html
    words = draft.text if html is None else text.plain(text.sanitise(html))
    if len(words) > text.MAX_TEXT:
        raise Invalid(f"A post has at most {text.MAX_TEXT} characters.")
    if len(draft.spoiler_text) > statuses.MAX_SPOILER:
        raise Invalid(f"A content warning has at most {statuses.MAX_SPOILER} characters.")
    if len(draft.media_ids) >= statuses.MAX_MEDIA:
        raise Invalid(f"A post has at most {statuses.MAX_MEDIA} pictures.")


async def _refuse_waiting(session: Session, settings: PaintingSettings, account: Account) -> None:
    waiting = (
        await session.exec(
            select(func.count()).where(shares.taken_by(account), col(Painting.state).in_(WAITING))
        )
    ).one()
    if waiting >= settings.max_waiting:
        raise Invalid(
            f"You have {waiting} pictures waiting; at most {settings.max_waiting} are allowed."
        )


async def _refuse_too_often(session: Session, settings: PaintingSettings, account: Account) -> None:
    # What was cancelled counts, too: its files were sent, decoded and stored, whoever asked for it
    # and cancelled it in turn would do so without end.
    since = session.now - HOUR
    query = (
        select(col(Painting.created_at))
        .where(
            shares.taken_by(account),
            col(Painting.id) >= ids.floor(since),
            col(Painting.created_at) > since,
        )
        .order_by(col(Painting.id).desc())
        .offset(settings.max_per_hour - 1)
        .limit(1)
    )
    oldest = (await session.exec(query)).first()  # of as many as are allowed
    if oldest is not None:
        raise too_often(settings.max_per_hour, "picture", oldest + HOUR - session.now)


def too_often(most: int, what: str, wait: timedelta) -> TooMany:
    """The refusal of who has asked for all that may be asked for within an hour.

    Args:
        what: a singular, which takes an s.
    """
    seconds = max(1, ceil(wait.total_seconds()))
    return TooMany(
        f"You have asked for {most} {what if most == 1 else f'{what}s'} within an hour, "
        f"and no more are allowed; ask again in {_duration(seconds)}.",
        seconds,
    )


def _duration(seconds: int) -> str:
    number, unit = (seconds, "second") if seconds < 60 else (ceil(seconds / 60), "minute")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
