"""`/admin/rules` and `/admin/announcements`: what is asked of everybody here, and what all are
told."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.runtime import easel_of
from fedi.social import announcements, rules
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.sessions import SignedIn
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import announcements as views
from fedi.web.views.links import excerpt

MOST_TOLD = 200  # characters of an announcement that are written down
RULES, ANNOUNCEMENTS = "/admin/rules", "/admin/announcements"


@access.only("house")
async def show_rules(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/rules`."""
    return await _rules(request, visitor, {})


async def _rules(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    async with easel_of(request).database.read() as session:
        found = await rules.every(session)
    return access.page(
        request,
        visitor,
        "rules",
        "rules",
        error=error,
        rules=found,
        words=fields.get("words", ""),
        more=fields.get("more", ""),
        longest=rules.MAX_RULE,
        longest_more=rules.MAX_HINT,
    )


async def _add_rule(deed: Deed) -> str:
    with access.typed("words"):
        rule = await rules.add(deed.tx, deed.fields.get("words", ""), deed.fields.get("more", ""))
    await deed.note("rule.add", rule.text, rule.id)
    return RULES


async def _remove_rule(deed: Deed) -> str:
    wanted = ids.parse(deed.fields.get("id")) or 0
    known = [rule.id for rule in await rules.every(deed.tx)]
    if wanted not in known:
        raise NotFound(access.NOTHING)
    rule = await rules.remove(deed.tx, known.index(wanted) + 1)
    await deed.note("rule.remove", rule.text, rule.id)
    return RULES


@access.only("house")
async def show_announcements(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/announcements`."""
    return await _announcements(request, visitor, {})


async def _announcements(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    async with easel_of(request).database.read() as session:
        found = await announcements.listed(session)
        shown = await announcements.show(session, found, None)
    return access.page(
        request,
        visitor,
        "announcements",
        "announcements",
        error=error,
        announcements=[views.told(one) for one in shown],
        words=fields.get("words", ""),
        starts=fields.get("starts", ""),
        ends=fields.get("ends", ""),
        longest=announcements.MAX_TEXT,
    )


def _when(deed: Deed, field: str) -> datetime | None:
    """A moment as a browser's field sends it, taken for UTC."""
    text = deed.fields.get(field, "").strip()
    if not text:
        return None
    with access.typed(field):
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError as error:
            raise Invalid("Write a moment as 2027-01-31 18:00.") from error


async def _publish(deed: Deed) -> str:
    words, starts, ends = deed.fields.get("words", ""), _when(deed, "starts"), _when(deed, "ends")
    with access.typed("ends" if ends and words.strip() else "words"):
        row = await announcements.publish(deed.tx, words, starts_at=starts, ends_at=ends)
    said = excerpt(row.source, MOST_TOLD)
    await deed.note("announcement.publish", str(row.id), row.id, words=said)
    return ANNOUNCEMENTS


async def _take_back(deed: Deed) -> str:
    number = ids.parse(deed.fields.get("id")) or 0
    await announcements.remove(deed.tx, number)
    await deed.note("announcement.remove", str(number), number)
    return ANNOUNCEMENTS


routes: list[BaseRoute] = [
    Route(RULES, show_rules, methods=["GET"]),
    access.deed("/rules/add", "house", _add_rule, _rules),
    access.deed("/rules/remove", "house", _remove_rule, _rules),
    Route(ANNOUNCEMENTS, show_announcements, methods=["GET"]),
    access.deed("/announcements/publish", "house", _publish, _announcements),
    access.deed("/announcements/remove", "house", _take_back, _announcements),
]
