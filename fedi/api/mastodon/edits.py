"""Statuses that are changed: what their authors wrote, and what they were before."""

from __future__ import annotations

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, polls, throttle
from fedi.api.mastodon.paging import number
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import edits as views
from fedi.api.mastodon.views import statuses as status_views
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.social import policies, statuses
from fedi.social.edits import MediaChange
from fedi.social.errors import Invalid, NotFound
from fedi.social.statuses import Draft, Further
from fedi.studio import media

STATUS = "/api/v1/statuses/{id}"


class Attributes(Struct, kw_only=True):
    """What is said of a picture; None: as it was."""

    id: str
    description: str | None = None
    focus: str | None = None


class Editing(Struct, kw_only=True):
    """None: as it was; but without a poll, there is none any more, as on Mastodon."""

    status: str | None = None
    spoiler_text: str | None = None
    sensitive: bool | None = None
    language: str | None = None
    media_ids: list[str] | None = None
    media_attributes: list[Attributes] | None = None
    poll: polls.Asking | None = None
    quote_approval_policy: str | None = None


class Policy(Struct, kw_only=True):
    quote_approval_policy: str = ""


async def edit(call: Call) -> entities.Status:
    asked = await call.read(Editing)
    call.count(throttle.POSTS)
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        status = await own(tx, author, call.id())
        if asked.quote_approval_policy is not None:
            status.interaction_policy = policies.for_quotes(
                author, status.visibility, asked.quote_approval_policy
            )
        draft = Draft(
            text=status.source if asked.status is None else asked.status,
            markdown=status.source_type == "text/markdown",
            spoiler_text=status.spoiler_text if asked.spoiler_text is None else asked.spoiler_text,
            sensitive=status.sensitive if asked.sensitive is None else asked.sensitive,
            language=asked.language or None,
            media_ids=_ids(asked.media_ids or []),
            poll=asked.poll.draft() if asked.poll is not None else None,
        )
        changes = tuple(_change(one) for one in asked.media_attributes or ())
        await statuses.edit(
            tx,
            author,
            status,
            draft,
            Further(media=changes, all_media=asked.media_ids is not None, polled=True),
        )
    return await _show(call)


def _change(asked: Attributes) -> MediaChange:
    [media_id] = _ids([asked.id])
    return MediaChange(
        id=media_id,
        description=None
        if asked.description is None
        else media.checked_description(asked.description),
        focus=None if not asked.focus else focus(asked.focus),
    )


def focus(text: str) -> tuple[float, float]:
    """`0.5,-0.25`: from -1 to 1, to the right and upwards.

    Raises:
        Invalid: it is something else.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Invalid("The focus is two numbers, such as 0.5,-0.25.") from error
    if not (-1 <= x <= 1 and -1 <= y <= 1):
        raise Invalid("The focus is two numbers from -1 to 1.")
    return x, y


def _ids(named: list[str]) -> list[int]:
    found = [number(one) for one in named]
    if None in found:
        raise Invalid("A picture is not there, not yours, or posted already.")
    return [one for one in found if one is not None]


async def policy(call: Call) -> entities.Status:
    """Say anew who may quote a status."""
    asked = await call.read(Policy)
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        status = await own(tx, author, call.id())
        await statuses.set_quoters(tx, author, status, asked.quote_approval_policy)
    return await _show(call)


async def history(call: Call) -> list[entities.StatusEdit]:
    async with call.easel.database.read() as session:
        status = await statuses.load(session, call.viewer, call.id())
        if status is None or status.reblog_of_id is not None:
            raise NotFound(NO_RECORD)
        author = await session.get_one(Account, status.account_id)
        [shown] = await account_views.show(call.easel, session, [author])
        return await views.history(call.easel, session, status, shown)


async def own(session: Session, author: Account, status_id: int) -> Status:
    """A status of one's own, and no boost.

    Raises:
        NotFound: it is none.
    """
    status = await statuses.load(session, author, status_id)
    if status is None or status.account_id != author.id or status.reblog_of_id is not None:
        raise NotFound(NO_RECORD)
    return status


async def _show(call: Call) -> entities.Status:
    async with call.easel.database.read() as session:
        status = await own(session, call.account, call.id())
        return await status_views.show_one(call.easel, session, call.account, status)


routes: list[BaseRoute] = [
    route("PUT", STATUS, edit, "write:statuses"),
    route("PUT", f"{STATUS}/interaction_policy", policy, "write:statuses"),
    route("GET", f"{STATUS}/history", history, "read:statuses", anybody=True),
]
