"""Statuses: read, with what is around them; posted and taken back."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, finding, polls, scheduled, throttle
from fedi.api.mastodon.accounts import numbers
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import statuses as views
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login, Status
from fedi.federation import answers
from fedi.runtime import Easel
from fedi.social import conversations, idempotency, pending, posts, scheduling, statuses
from fedi.social.errors import Invalid, NotFound
from fedi.social.statuses import Draft
from fedi.studio import imagine, media
from fedi.studio.scheduled import keep

STATUSES = "/api/v1/statuses"
MAX_MANY = 20  # statuses that are asked for at once, as Mastodon
MAX_KEY = 1000  # characters of an Idempotency-Key


class Many(Struct, kw_only=True):
    id: list[str] = field(default_factory=list)


class Posting(Struct, kw_only=True):
    """None: as its author usually does."""

    status: str = ""
    media_ids: list[str] = field(default_factory=list)
    in_reply_to_id: str = ""
    sensitive: bool | None = None
    spoiler_text: str = ""
    visibility: str | None = None
    language: str | None = None
    quote_approval_policy: str | None = None
    poll: polls.Asking | None = None
    scheduled_at: str = ""
    quoted_status_id: str = ""


class Deleting(Struct, kw_only=True):
    delete_media: bool = False


async def one(call: Call) -> entities.Status:
    async with call.easel.database.read() as session:
        return await shown(call.easel, session, call.viewer, call.id())


async def shown(
    easel: Easel, session: Session, viewer: Account | None, status_id: int
) -> entities.Status:
    """The status of this id; one that waits for its picture, its author sees, too.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    found = await statuses.load(session, viewer, status_id)
    if found is None and viewer is not None:
        waiting = await pending.load(session, viewer, pending.uri_of(viewer, status_id))
        if waiting is not None:
            [status] = await views.show_posts(easel, session, viewer, [waiting.post])
            return status
        found = await pending.moved_to(session, viewer, viewer, status_id)
    if found is None:
        raise NotFound(NO_RECORD)
    return await views.show_one(easel, session, viewer, found)


async def many(call: Call) -> list[entities.Status]:
    asked = await call.read(Many)
    wanted = numbers(asked.id, MAX_MANY)
    async with call.easel.database.read() as session:
        found = await statuses.load_many(session, call.viewer, wanted)
        return await views.show(call.easel, session, call.viewer, list(found.values()))


async def context(call: Call) -> entities.Context:
    """What a status answers, and what answers it, as far as the viewer may see both."""
    bounds = conversations.FOR_ALL if call.viewer is None else conversations.FOR_OURS
    async with call.easel.database.read() as session:
        status = await finding.status(session, call.viewer, call.id())
        before = await conversations.before(session, call.viewer, status, bounds)
        after = await conversations.after(session, call.viewer, status, bounds)
        around = [*before, *(answer for answer, _ in after)]
        found = await views.show(call.easel, session, call.viewer, around)
    await answers.opened(call.easel, call.viewer, status)
    return entities.Context(ancestors=found[: len(before)], descendants=found[len(before) :])


async def source(call: Call) -> entities.StatusSource:
    """What its author wrote, for them to change it."""
    async with call.easel.database.read() as session:
        status = await own(session, call)
    return entities.StatusSource(
        id=str(status.id), text=status.source, spoiler_text=status.spoiler_text
    )


async def post(call: Call) -> entities.Status | entities.ScheduledStatus:
    """Post, now or later; what begins with the command for pictures is painted first, and then
    posts itself."""
    asked = await call.read(Posting)
    call.count(throttle.POSTS)
    key = call.request.headers.get("idempotency-key", "")[:MAX_KEY]
    settings = call.easel.settings.painting
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        uri = await idempotency.claim(tx, author, key) if key else None
        if uri is None:
            draft, when = await _draft(tx, call, author, asked), _later(tx, asked)
            if when is not None:
                uri = (await keep(tx, settings, author, draft, when)).uri
            else:
                made = await imagine.post(tx, settings, author, draft)
                uri = made.uri if isinstance(made, Status) else made.status_uri or ""
            if key:
                await idempotency.settle(tx, author, key, uri)
    async with call.easel.database.read() as session:
        return await _of_uri(call, session, uri)


def _later(tx: Transaction, asked: Posting) -> datetime | None:
    """When it is to be posted; None: at once, as is what should have been posted already."""
    when = scheduling.moment(asked.scheduled_at) if asked.scheduled_at.strip() else None
    return when if when is not None and when > tx.now else None


async def _draft(tx: Transaction, call: Call, author: Account, asked: Posting) -> Draft:
    login = await tx.get(Login, author.id)
    usual = account_views.preferences(login)
    sensitive = usual.posting_sensitive if asked.sensitive is None else asked.sensitive
    answered = await _answered(tx, author, asked.in_reply_to_id)
    ids = numbers(asked.media_ids, len(asked.media_ids))
    if len(ids) != len(set(asked.media_ids)):
        raise Invalid("A picture is not there, not yours, or posted already.")
    for media_id in ids:
        if await pending.medium(tx, author, media_id) is not None:
            raise Invalid("A picture is still in the making. Try again in a moment.")
    return Draft(
        text=asked.status,
        spoiler_text=asked.spoiler_text,
        sensitive=sensitive,
        visibility=asked.visibility or usual.posting_visibility,
        language=asked.language or usual.posting_language,
        in_reply_to_id=answered,
        media_ids=ids,
        quoters=asked.quote_approval_policy or usual.posting_quoters,
        poll=asked.poll.draft() if asked.poll is not None else None,
        quoted_status_id=await _answered(tx, author, asked.quoted_status_id),
        application_id=call.application_id,
    )


async def _answered(tx: Transaction, author: Account, asked: str) -> int | None:
    if not asked:
        return None
    [found] = numbers([asked], 1) or [0]
    return (await finding.status(tx, author, found)).id


async def _of_uri(
    call: Call, session: Session, uri: str
) -> entities.Status | entities.ScheduledStatus:
    """What was just posted, or waits for its picture or its time."""
    status = await statuses.load_by_uri(session, call.account, uri)
    if status is not None:
        return await views.show_one(call.easel, session, call.account, status)
    later = await scheduling.by_uri(session, call.account, uri)
    if later is not None:
        return (await scheduled.show(call.easel, session, [later]))[0]
    waiting = await pending.load(session, call.account, uri)
    if waiting is None:  # posted under this key, and taken back since
        raise NotFound(NO_RECORD)
    [shown] = await views.show_posts(call.easel, session, call.account, [waiting.post])
    return shown


async def delete(call: Call) -> entities.Status:
    """Take a status back. The answer has what its author wrote, to write it anew."""
    asked = await call.read(Deleting)
    call.count(throttle.DELETIONS)
    async with call.easel.database.read() as session:
        status = await own(session, call)
        [found] = await posts.assemble(session, [status], call.account)
        [shown] = await views.show_posts(call.easel, session, call.account, [found])
        shown.text = status.source
    async with call.easel.database.write() as tx:
        row = await own(tx, call)
        await statuses.delete(tx, row)
        if asked.delete_media:
            await media.forget(tx, call.account, [medium.id for medium in found.media])
    return shown


async def own(session: Session, call: Call) -> Status:
    """The status that is to be changed.

    Raises:
        NotFound: it is somebody else's, a boost, or not there.
    """
    status = await finding.status(session, call.account, call.id())
    if status.account_id != call.account.id or status.reblog_of_id is not None:
        raise NotFound(NO_RECORD)
    return status


READ, WRITE = "read:statuses", "write:statuses"
routes: list[BaseRoute] = [
    route("GET", STATUSES, many, READ, anybody=True),
    route("POST", STATUSES, post, WRITE),
    route("GET", f"{STATUSES}/{{id}}", one, READ, anybody=True),
    route("DELETE", f"{STATUSES}/{{id}}", delete, WRITE),
    route("GET", f"{STATUSES}/{{id}}/context", context, READ, anybody=True),
    route("GET", f"{STATUSES}/{{id}}/source", source, READ),
]
