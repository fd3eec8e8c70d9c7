"""`/settings/for-you`: whether somebody has a feed of what they may like, and how it is tuned."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social.errors import SocialError
from fedi.social.for_you import choices
from fedi.social.sessions import SignedIn
from fedi.web import forms, visitors
from fedi.web.settings import sheets

HERE = "/settings/for-you"
MAX_DIGITS = 9  # Python reads no number of more than 4,300
AI = {"all": "All pictures", "only": "Only those made with AI", "hide": "None made with AI"}
assert tuple(AI) == choices.AI


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/for-you`."""
    async with easel_of(request).database.read() as session:
        row = await choices.of(session, visitor.account)
    chosen = choices.tuning(row)
    typed = {name: str(getattr(chosen, name)) for name in (*choices.SLIDERS, "ai")}
    if row is not None:
        typed["enabled"] = "1"
    if chosen.warned:
        typed["warned"] = "1"
    return _page(request, typed)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/for-you`: on and tuned, or off, and nothing is left of it."""
    fields = await forms.read(request)
    said = {name: _number(fields.get(name, "")) for name in choices.SLIDERS}
    try:
        sheets.count(request, visitor)
        chosen = choices.read(
            {**said, "ai": fields.get("ai", ""), "warned": "warned" in fields}, choices.USUAL
        )
        async with easel_of(request).database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            if "enabled" in fields:
                await choices.switch_on(tx, account, chosen)
            else:
                await choices.switch_off(tx, account)
    except SocialError as error:
        return _page(request, fields, error)
    return sheets.back(HERE, kept=True)


@visitors.signed_in
async def reset(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/for-you/reset`: forget all of it, and begin anew."""
    await forms.read(request)
    sheets.count(request, visitor)
    async with easel_of(request).database.write() as tx:
        account = await tx.get_one(Account, visitor.account.id)
        await choices.reset(tx, account)
    return sheets.back(HERE, kept=True)


def _number(text: str) -> int | str:
    """What was typed, as a number if it is one that a slider could have."""
    fits = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if fits else text


def _page(request: Request, typed: Mapping[str, str], error: SocialError | None = None) -> Response:
    return sheets.show(request, "tuning.html", error=error, typed=typed, pictures=AI)


routes: list[BaseRoute] = [
    Route(HERE, ask, methods=["GET"]),
    Route(HERE, change, methods=["POST"]),
    Route(f"{HERE}/reset", reset, methods=["POST"]),
]
