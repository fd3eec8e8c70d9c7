"""What an account lets others train on, what of it went out, and what was learned from here.
`docs/data.md` shows the bodies.

Everything is for the account's own apps alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.api import auth, body
from fedi.database.tables import Account, ConsentChange, DatasetItem, Status
from fedi.runtime import easel_of
from fedi.social import statuses
from fedi.social.errors import Invalid, NotFound
from fedi.social.paging import MAX_PAGE, Page
from fedi.social.training import choices, ledger, lessons, standing
from fedi.social.training.ledger import Given
from fedi.social.training.lessons import Lesson

PATH = "/api/easel/v1/training"
PRIVATE = {"Cache-Control": "private, no-store"}
NO_POST = "There is no such post."


async def show(request: Request) -> Response:
    """`GET /api/easel/v1/training`: what the account says of all its pictures (`read:accounts`)."""
    who = await auth.caller(request, "read:accounts")
    return JSONResponse(_choice(who.account), headers=PRIVATE)


async def change(request: Request) -> Response:
    """`PUT /api/easel/v1/training`: say it (`write:accounts`); what is left out stays."""
    who = await auth.caller(request, "write:accounts")
    asked = await body.read_object(request)
    async with easel_of(request).database.write() as tx:
        account = await tx.get_one(Account, who.account.id)
        await choices.consent(
            tx,
            account,
            _flag(asked, "allowed"),
            credit=_words(asked, "credit"),
            licence=_words(asked, "licence"),
        )
        return JSONResponse(_choice(account), headers=PRIVATE)


async def show_post(request: Request) -> Response:
    """`GET /api/easel/v1/training/posts/ID`: what it says of one post (`read:statuses`)."""
    who = await auth.caller(request, "read:statuses")
    number = ids.parse(request.path_params["id"])
    async with easel_of(request).database.read() as session:
        status = await statuses.load(session, who.account, number or 0)
    if status is None or status.account_id != who.account.id:
        raise NotFound(NO_POST)
    return JSONResponse(_of_post(who.account, status), headers=PRIVATE)


async def change_post(request: Request) -> Response:
    """`PUT /api/easel/v1/training/posts/ID`: say it of one post (`write:statuses`)."""
    who = await auth.caller(request, "write:statuses")
    asked = await body.read_object(request)
    if "training" not in asked:
        raise Invalid("“training” must be true, false or null.")
    number = ids.parse(request.path_params["id"])
    async with easel_of(request).database.write() as tx:
        account = await tx.get_one(Account, who.account.id)
        status = await statuses.load(tx, account, number or 0)
        if status is None:
            raise NotFound(NO_POST)
        await choices.choose(tx, account, status, _flag(asked, "training"))
        return JSONResponse(_of_post(account, status), headers=PRIVATE)


async def changes(request: Request) -> Response:
    """`GET /api/easel/v1/training/changes`: what it said and when, the latest first
    (`read:accounts`)."""
    who = await auth.caller(request, "read:accounts")
    async with easel_of(request).database.read() as session:
        found = await choices.history(session, who.account, _page(request))
    return JSONResponse([_change(one) for one in found], headers=PRIVATE)


async def exports(request: Request) -> Response:
    """`GET /api/easel/v1/training/exports`: what went out, when, to whom and what for, the latest
    first (`read:accounts`)."""
    who = await auth.caller(request, "read:accounts")
    async with easel_of(request).database.read() as session:
        found = await ledger.given(session, who.account, _page(request))
    return JSONResponse([_export(one) for one in found], headers=PRIVATE)


async def styles(request: Request) -> Response:
    """`GET /api/easel/v1/training/styles`: what was learned from here, and when, the latest first
    (`read:accounts`)."""
    who = await auth.caller(request, "read:accounts")
    async with easel_of(request).database.read() as session:
        found = await lessons.of_author(session, who.account, _page(request))
    return JSONResponse([_style(one) for one in found], headers=PRIVATE)


async def pictures(request: Request) -> Response:
    """`GET /api/easel/v1/training/styles/ID/pictures`: which pictures of the account's a style was
    learned from, the latest first (`read:accounts`)."""
    who = await auth.caller(request, "read:accounts")
    number = ids.parse(request.path_params["id"])
    async with easel_of(request).database.read() as session:
        lesson = await lessons.find(session, who.account, number)
        found = await lessons.pictures(session, who.account, lesson.style, _page(request))
    return JSONResponse([_picture(item, gone) for item, gone in found], headers=PRIVATE)


def _page(request: Request) -> Page:
    return Page(MAX_PAGE, ids.parse(request.query_params.get("max_id")))


def _choice(account: Account) -> dict[str, Any]:
    return {
        "allowed": standing.allows(account),
        "since": _moment(account.training_consent_at),
        "credit": account.training_credit,
        "licence": account.training_licence,
    }


def _of_post(account: Account, status: Status) -> dict[str, Any]:
    return {
        "id": str(status.id),
        "training": status.training,
        "allowed": standing.allows(account, status),
    }


def _change(one: ConsentChange) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "at": _moment(one.created_at),
        "post": None if one.status_id is None else str(one.status_id),
        "allowed": one.allowed,
        "credit": one.credit,
        "licence": one.licence,
    }


def _export(one: Given) -> dict[str, Any]:
    export = one.export
    return {
        "id": str(export.id),
        "kind": export.kind,
        "to": export.recipient,
        "for": export.purpose,
        "made_at": _moment(export.created_at),
        "last_sent_at": _moment(one.last_sent_at),
        "pictures": one.items,
        "withdrawn": one.withdrawn,
    }


def _style(one: Lesson) -> dict[str, Any]:
    return {
        "id": str(one.style.id),
        "style": one.style.purpose,
        "asked": one.style.kind == lessons.ASKED,
        "at": _moment(one.style.created_at),
        "removed_at": _moment(one.style.revoked_at),
        "pictures": one.pictures,
        "withdrawn": one.withdrawn,
    }


def _picture(item: DatasetItem, gone: bool) -> dict[str, Any]:
    return {
        "id": str(item.id),
        "picture": str(item.media_id),
        "post": str(item.status_id),
        "withdrawn": gone,
    }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat().replace("+00:00", "Z")


def _flag(asked: dict[str, Any], name: str) -> bool | None:
    value = asked.get(name)
    if not isinstance(value, bool | None):
        raise Invalid(f"“{name}” must be true or false.")
    return value


def _words(asked: dict[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if not isinstance(value, str | None):
        raise Invalid(f"“{name}” must be text.")
    return value


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(PATH, change, methods=["PUT"]),
    Route(f"{PATH}/changes", changes, methods=["GET"]),
    Route(f"{PATH}/exports", exports, methods=["GET"]),
    Route(f"{PATH}/styles", styles, methods=["GET"]),
    Route(f"{PATH}/styles/{{id}}/pictures", pictures, methods=["GET"]),
    Route(f"{PATH}/posts/{{id}}", show_post, methods=["GET"]),
    Route(f"{PATH}/posts/{{id}}", change_post, methods=["PUT"]),
]
