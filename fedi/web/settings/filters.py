"""`/settings/filters`: words that somebody does not want to read, or not at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Transaction
from fedi.database.tables import Account, Filter
from fedi.runtime import easel_of
from fedi.social import filters
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import forms, visitors
from fedi.web.settings import sheets
from fedi.web.views.posts import moment

HERE = "/settings/filters"
CONTEXTS = {
    "home": "Home and lists",
    "notifications": "Notifications",
    "public": "Local, Federated, hashtags",
    "thread": "Conversations",
    "account": "Pages of people",
}
ACTIONS = {
    "warn": "Fold it under its name",
    "hide": "Leave it out",
    "blur": "Cover its pictures",
}
STAYS = "as it was"
ENDS = {
    "": "Never",
    "1800": "In 30 minutes",
    "3600": "In an hour",
    "43200": "In 12 hours",
    "86400": "In a day",
    "604800": "In a week",
}
assert tuple(CONTEXTS) == filters.CONTEXTS and tuple(ACTIONS) == filters.ACTIONS


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/filters`: all of them."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        held = await filters.of_account(session, visitor.account)
    return sheets.show(
        request,
        "filters.html",
        filters=[
            {
                "id": str(one.filter.id),
                "title": one.filter.title,
                "words": [entry.keyword for entry in one.keywords],
                "posts": len(one.statuses),
                "action": ACTIONS[one.filter.action],
                "ended": _has_ended(one.filter, easel.clock.now()),
            }
            for one in held
        ],
    )


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/filters/new`."""
    usual = {"title": "", "deed": "warn", "whole": "1", "words": "", "ends": ""}
    return await _page(request, visitor, None, usual | dict.fromkeys(CONTEXTS, "1"))


@visitors.signed_in
async def make(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/filters/new`."""
    fields = await forms.read(request)
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            row = await filters.create(tx, await tx.get_one(Account, visitor.account.id))
            await _say(tx, row, fields)
            await _add_words(tx, row, fields)
    except SocialError as error:
        return await _page(request, visitor, None, fields, error)
    return sheets.back(HERE)


@visitors.signed_in
async def show_one(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/filters/ID`."""
    async with easel_of(request).database.read() as session:
        row = await filters.find(session, visitor.account, _number(request))
    typed = {"title": row.title, "deed": row.action, "ends": STAYS, "whole": "1", "words": ""}
    return await _page(request, visitor, row, typed | dict.fromkeys(row.context, "1"))


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/filters/ID`: what it is called, what it does, and words that it gets."""
    fields = await forms.read(request)
    async with easel_of(request).database.read() as session:
        known = await filters.find(session, visitor.account, _number(request))
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            row = await filters.find(tx, visitor.account, known.id)
            await _say(tx, row, fields)
            await _add_words(tx, row, fields)
    except SocialError as error:
        return await _page(request, visitor, known, fields, error)
    return sheets.back(f"{HERE}/{known.id}", kept=True)


@visitors.signed_in
async def take_word(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/filters/ID/words/take`: it looks for a word no more."""
    fields = await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        row = await filters.find(tx, visitor.account, _number(request))
        entry = await filters.keyword(tx, visitor.account, sheets.number(fields))
        if entry.filter_id != row.id:
            raise NotFound(filters.NO_RECORD)
        filters.announce(tx, row)
        await tx.delete(entry)
    return sheets.back(f"{HERE}/{row.id}")


@visitors.signed_in
async def delete(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/filters/ID/delete`."""
    await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        row = await filters.find(tx, visitor.account, _number(request))
        filters.announce(tx, row)
        await tx.delete(row)
    return sheets.back(HERE)


async def _say(tx: Transaction, row: Filter, fields: Mapping[str, str]) -> None:
    ends = fields.get("ends", STAYS)
    if ends not in {STAYS, *ENDS}:
        raise Invalid("Choose when it ends.")
    if ends != STAYS:
        row.expires_at = tx.now + timedelta(seconds=int(ends)) if ends else None
    chosen = [name for name in CONTEXTS if name in fields]
    if not chosen:
        raise Invalid("Say where the filter is to work.")
    if not fields.get("title", "").strip():
        raise Invalid("Give the filter a name.")
    await filters.change(
        tx, row, title=fields["title"], context=chosen, action=fields.get("deed", "")
    )


async def _add_words(tx: Transaction, row: Filter, fields: Mapping[str, str]) -> None:
    """A line is what is looked for; what is looked for already, once."""
    [held] = await filters.whole(tx, [row])
    known = {entry.keyword for entry in held.keywords}
    for line in fields.get("words", "").splitlines():
        word = line.strip()
        if word and word not in known:
            known.add(word)
            await filters.add_keyword(tx, row, word, whole_word="whole" in fields)


async def _page(
    request: Request,
    visitor: SignedIn,
    row: Filter | None,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    held = None
    easel = easel_of(request)
    ends = dict(ENDS)
    if row is not None:
        async with easel.database.read() as session:
            [held] = await filters.whole(session, [row])
        ends = {STAYS: "As it was: never", **ENDS}
        if row.expires_at is not None:
            ended = _has_ended(row, easel.clock.now())
            ends[STAYS] = f"As it was: {'ended ' if ended else ''}{moment(row.expires_at).text}"
    return sheets.show(
        request,
        "filter.html",
        error=error,
        path=f"{HERE}/{row.id if row is not None else 'new'}",
        row=row,
        held=held,
        typed=typed,
        contexts=CONTEXTS,
        actions=ACTIONS,
        ends=ends,
        longest_title=filters.MAX_TITLE,
    )


def _has_ended(row: Filter, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def _number(request: Request) -> int:
    return int(request.path_params["id"])


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/new", ask, methods=["GET"]),
    Route(f"{HERE}/new", make, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}", show_one, methods=["GET"]),
    Route(f"{HERE}/{{id:int}}", change, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}/words/take", take_word, methods=["POST"]),
    Route(f"{HERE}/{{id:int}}/delete", delete, methods=["POST"]),
]
