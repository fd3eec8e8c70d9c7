"""Pictures that wait for a moderator: painted and kept, but shown to nobody but their authors.

Their files lie under keys that no address leads to. Approved, a picture gets ordinary ones, and its
post publishes itself; refused, it goes. Its author hears of both.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import func, literal_column
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login, Painting
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social import audit
from fedi.social.errors import Invalid, NotFound
from fedi.social.notifications import Kind, notify
from fedi.storage import Missing, Storage
from fedi.studio import conclusions, media
from fedi.studio.media import Stored
from fedi.studio.paintings import DROP, FAILED, REVIEW, apologise, end, let_go, tell
from fedi.studio.pictures import Prepared
from fedi.studio.turns import STAFF
from generation.protocol import Finished

MAX_REASON = 300  # characters of why a picture was refused
# What goes out with a picture that waits: nothing keeps it, and nothing in it runs.
HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}
_NOTHING = "There is no such picture to review."
_GONE = "The files of this picture are gone: it can only be refused."
# Written out, because SQLite uses a partial index only for what it can read in the statement.
_WAITS = col(Painting.state) == literal_column("'review'")


async def waiting(session: Session, *, limit: int) -> list[tuple[Painting, Account]]:
    """The pictures that wait, each with its author, the oldest first."""
    rows = await session.exec(
        select(Painting, Account)
        .join(Account, col(Account.id) == col(Painting.account_id))
        .where(_WAITS)
        .order_by(col(Painting.id))
        .limit(limit)
    )
    return list(rows.all())


async def count(session: Session) -> int:
    """How many pictures wait."""
    return (await session.exec(select(func.count(col(Painting.id))).where(_WAITS))).one()


async def find(session: Session, painting_id: int) -> Painting:
    """A picture that waits, for those who review.

    Raises:
        NotFound: it does not wait, or not any more.
    """
    painting = await session.get(Painting, painting_id)
    if painting is None or painting.state != REVIEW or painting.held is None:
        raise NotFound(_NOTHING)
    return painting


async def moderates(session: Session, account: Account) -> bool:
    """Whether an account is a moderator's."""
    login = await session.get(Login, account.id)
    return login is not None and login.role in STAFF


async def picture(storage: Storage, painting: Painting) -> tuple[bytes, str]:
    """A picture that waits, and its media type.

    Raises:
        Invalid: its files are gone.
    """
    stored = await _stored(storage, painting)
    return stored.prepared.content, stored.prepared.media_type


async def approve(
    easel: Easel, painting_id: int, *, sensitive: bool | None = None, by: Account | None = None
) -> Painting:
    """Let a picture be shown: it becomes its author's, and its post is published.

    Args:
        sensitive: whether it is marked; None leaves that as the rules and the classifier said.
        by: which moderator; the command line, if None.

    Raises:
        NotFound: it does not wait, or not any more.
        Invalid: its files are gone.
    """
    async with easel.database.read() as session:
        held = await find(session, painting_id)
    fresh = await media.store(easel.storage, (await _stored(easel.storage, held)).prepared)
    try:
        async with easel.database.write() as tx:
            painting = await _locked(tx, painting_id)
            assert painting.held is not None
            finished = msgspec.convert(painting.held["finished"], Finished)
            if sensitive is not None:
                painting.sensitive = sensitive
            await let_go(tx, painting)
            await _tell_author(tx, painting, "painting_approved")
            await audit.note(tx, by, "picture.approve", str(painting.id), painting.id)
            await conclusions.conclude(tx, painting, fresh, finished)
    except NotFound:  # another moderator, or its author, was quicker
        await media.discard(easel.storage, fresh)
        raise
    return painting


async def refuse(
    tx: Transaction, painting_id: int, reason: str = "", *, by: Account | None = None
) -> Painting:
    """Do not let a picture be shown: it goes, and so does its post.

    Args:
        reason: for its author, in one sentence.
        by: as for `approve`.

    Raises:
        NotFound: it does not wait, or not any more.
        Invalid: the reason is too long.
    """
    reason = " ".join(reason.split())
    if len(reason) > MAX_REASON:
        raise Invalid(f"The reason is too long: at most {MAX_REASON} characters.")
    painting = await _locked(tx, painting_id)
    await let_go(tx, painting)
    end(tx, painting, FAILED)
    painting.error = "A moderator looked at the picture and did not let it be shown" + (
        f": {reason}" if reason else "."
    )
    await _tell_author(tx, painting, "painting_refused")
    await audit.note(tx, by, "picture.refuse", str(painting.id), painting.id)
    await apologise(tx, painting)
    await tx.flush()
    tell(tx, painting, FAILED)
    await conclusions.fail_post(tx, painting)
    return painting


@handles(DROP)
async def drop(easel: Easel, job: Claimed) -> None:
    """Remove the files of a picture that does not wait any more."""
    for key in job.payload["keys"]:
        await easel.storage.delete(key)


async def _locked(tx: Transaction, painting_id: int) -> Painting:
    await tx.get(Painting, painting_id, with_for_update=True, populate_existing=True)
    return await find(tx, painting_id)


async def _stored(storage: Storage, painting: Painting) -> Stored:
    assert painting.held is not None
    held = painting.held
    try:
        content = await storage.read(held["file"])
        preview = await storage.read(held["preview_file"])
    except Missing as error:  # another moderator was quicker, or the disk has lost them
        raise Invalid(_GONE) from error
    return Stored(
        held["file"],
        held["preview_file"],
        Prepared(
            content=content,
            preview=preview,
            **{name: held[name] for name in ("format", "width", "height", "blurhash", "digest")},
        ),
    )


async def _tell_author(tx: Transaction, painting: Painting, kind: Kind) -> None:
    author = await tx.get(Account, painting.account_id)
    assert author is not None
    # Of several, the one that has the draft.
    await notify(tx, author, author, kind, painting_id=painting.post_of or painting.id)
