"""Statuses that are changed: what their authors wrote, and what they were before."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, polls, throttle
from fedi.api.mastodon.accounts import numbers
from fedi.api.mastodon.media import read_focus
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.statuses import STATUSES, own
from fedi.api.mastodon.views import accounts as account_views
from fedi.api.mastodon.views import edits as views
from fedi.api.mastodon.views import statuses as status_views
from fedi.database.tables import Account
from fedi.social import policies, statuses, text
from fedi.social.edits import MediaChange
from fedi.social.errors import Invalid, NotFound
from fedi.social.statuses import Draft, Further
from fedi.studio import media

STATUS = f"{STATUSES}/{{id}}"


class Attributes(Struct, kw_only=True):
    """What is said of a picture; None: as it was."""

    id: str
    description: str | None = None
    focus: str | None = None


class Editing(Struct, kw_only=True):
    """All of what a status now is, as far as it can be changed; what is not sent it has no more,
    as on Mastodon."""

    status: str = ""
    spoiler_text: str = ""
    sensitive: bool = False
    language: str | None = None
    media_ids: list[str] = field(default_factory=list)
    media_attributes: list[Attributes] = field(default_factory=list)
    poll: polls.Asking | None = None
    quote_approval_policy: str | None = None


class Policy(Struct, kw_only=True):
    quote_approval_policy: str = ""


async def edit(call: Call) -> entities.Status:
    asked = await call.read(Editing)
    call.count(throttle.POSTS)
    ids = numbers(asked.media_ids, len(asked.media_ids))
    if len(ids) != len(set(asked.media_ids)):
        raise Invalid("A picture is not there, not yours, or posted already.")
    changes = tuple(_change(one, ids) for one in asked.media_attributes)
    draft = Draft(
        text=asked.status,
        spoiler_text=asked.spoiler_text,
        sensitive=asked.sensitive,
        language=asked.language or None,
        media_ids=ids,
        poll=asked.poll.draft() if asked.poll is not None else None,
    )
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        status = await own(tx, call)
        if asked.quote_approval_policy is not None:
            status.interaction_policy = policies.for_quotes(
                author, status.visibility, asked.quote_approval_policy
            )
        further = Further(media=changes, all_media=True, polled=True)
        marked = replace(draft, markdown=status.source_type == text.MARKDOWN)
        await statuses.edit(tx, author, status, marked, further)
    return await _show(call)


def _change(asked: Attributes, ids: list[int]) -> MediaChange:
    [media_id] = numbers([asked.id], 1) or [0]
    if media_id not in ids:
        raise Invalid("A picture is described that is not in the post.")
    return MediaChange(
        id=media_id,
        description=None
        if asked.description is None
        else media.checked_description(asked.description),
        focus=read_focus(asked.focus) if asked.focus else None,
    )


async def policy(call: Call) -> entities.Status:
    """Say anew who may quote a status."""
    asked = await call.read(Policy)
    async with call.easel.database.write() as tx:
        author = await tx.get_one(Account, call.account.id)
        status = await own(tx, call)
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


async def _show(call: Call) -> entities.Status:
    async with call.easel.database.read() as session:
        status = await own(session, call)
        return await status_views.show_one(call.easel, session, call.account, status)


routes: list[BaseRoute] = [
    route("PUT", STATUS, edit, "write:statuses"),
    route("PUT", f"{STATUS}/interaction_policy", policy, "write:statuses"),
    route("GET", f"{STATUS}/history", history, "read:statuses", anybody=True),
]
