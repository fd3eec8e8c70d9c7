"""`/settings/training`: whether others may train on one's pictures; what of them went out, when and
to whom; and what was said of it before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, ConsentChange
from fedi.runtime import easel_of
from fedi.social.errors import SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.social.training import choices, ledger, standing
from fedi.social.training.ledger import Given
from fedi.web import forms, visitors
from fedi.web.settings import sheets
from fedi.web.views.posts import Moment, moment

HERE = "/settings/training"
SHOWN = 40  # exports, and changes, the latest first; apps page through all of them


@dataclass(frozen=True, slots=True)
class Gone:
    """What went out with one export."""

    to: str
    purpose: str
    live: bool
    when: Moment
    pictures: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of training once."""

    when: Moment
    words: str
    post: str  # its path, if it was said of that alone


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/training`."""
    account = visitor.account
    typed = {"credit": account.training_credit, "licence": account.training_licence}
    if standing.allows(account):
        typed["training"] = "1"
    return await _page(request, account, typed)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/training`."""
    fields = await forms.read(request)
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            await choices.consent(
                tx,
                account,
                _allowed(account, fields),
                credit=fields.get("credit", ""),
                licence=fields.get("licence", ""),
            )
    except SocialError as error:
        return await _page(request, visitor.account, fields, error)
    return sheets.back(HERE, kept=True)


def _allowed(account: Account, fields: Mapping[str, str]) -> bool | None:
    """What a form says; None: only on what terms. A box that was empty before, and is, takes back
    no post that its author let in by itself: there is a button for that."""
    if "training" in fields and "everything" not in fields:
        return True
    return False if standing.allows(account) or "everything" in fields else None


async def _page(
    request: Request,
    account: Account,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    async with easel_of(request).database.read() as session:
        given = await ledger.given(session, account, Page(SHOWN))
        said = await choices.history(session, account, Page(SHOWN))
        own = await choices.count_own(session, account)
    return sheets.show(
        request,
        "training.html",
        error=error,
        typed=typed,
        credits=choices.CREDITS,
        licences=choices.LICENCES,
        own=own,
        consents=standing.allows(account),
        gone=_gone(given),
        said=[_said(account, one) for one in said],
    )


def _gone(given: Sequence[Given]) -> list[Gone]:
    return [
        Gone(
            to=one.export.recipient,
            purpose=one.export.purpose,
            live=one.export.kind == ledger.STREAM,
            when=moment(one.last_sent_at),
            pictures=one.items,
            withdrawn=one.withdrawn,
        )
        for one in given
    ]


def _said(account: Account, one: ConsentChange) -> Said:
    if one.status_id is None:
        terms = f"{choices.CREDITS.get(one.credit, one.credit)}. "
        terms += f"{choices.LICENCES.get(one.licence, one.licence)}."
        words = f"Yes, on all pictures. {terms}" if one.allowed else "No."
        return Said(moment(one.created_at), words, "")
    words = {True: "Yes", False: "No", None: "As on all pictures"}[one.allowed]
    return Said(moment(one.created_at), words, f"/@{account.username}/{one.status_id}")


routes: list[BaseRoute] = [
    Route(HERE, ask, methods=["GET"]),
    Route(HERE, change, methods=["POST"]),
]
