"""`/settings/privacy`: how somebody usually posts, what others see, of whom they want to hear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import notification_policies, profiles
from fedi.social.errors import SocialError
from fedi.social.profiles import Changes
from fedi.social.sessions import SignedIn
from fedi.web import forms, languages, visitors
from fedi.web.intents import AUDIENCES
from fedi.web.settings import sheets

HERE = "/settings/privacy"
POSTING = "posting:default:"
QUOTERS = {"public": "Everybody", "followers": "Followers", "nobody": "Nobody"}
RULES = {
    "for_not_following": "People you do not follow",
    "for_not_followers": "People who do not follow you",
    "for_new_accounts": "Accounts that are new",
    "for_private_mentions": "Messages you did not ask for",
    "for_limited_accounts": "Accounts that moderators have silenced",
}
HANDLINGS = {"accept": "Tell me", "filter": "Set aside", "drop": "Tell me nothing"}
assert tuple(RULES) == notification_policies.RULES
assert tuple(HANDLINGS) == notification_policies.HANDLINGS


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/privacy`."""
    usual, account = visitor.login.preferences, visitor.account
    async with easel_of(request).database.read() as session:
        policy = await notification_policies.of(session, account)
    typed = {
        "visibility": str(usual.get(f"{POSTING}visibility") or "public"),
        "language": str(usual.get(f"{POSTING}language") or ""),
        "quoters": str(usual.get(f"{POSTING}quote_policy") or "public"),
        **{rule: getattr(policy, rule) for rule in RULES},
    }
    if usual.get(f"{POSTING}sensitive") is True:
        typed["sensitive"] = "1"
    if account.hide_collections:
        typed["hide_collections"] = "1"
    return _page(request, typed)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/privacy`."""
    fields = await forms.read(request)
    chosen: dict[str, Any] = {
        f"{POSTING}visibility": fields.get("visibility", ""),
        f"{POSTING}language": fields.get("language", ""),
        f"{POSTING}quote_policy": fields.get("quoters", ""),
        f"{POSTING}sensitive": "sensitive" in fields,
    }
    changes = Changes(
        hide_collections="hide_collections" in fields,
        preferences=chosen,
    )
    rules = {rule: fields.get(rule, "") for rule in RULES}
    try:
        sheets.count(request, visitor)
        async with easel_of(request).database.write() as tx:
            account = await tx.get_one(Account, visitor.account.id)
            await profiles.change(tx, account, changes)
            await notification_policies.change(tx, account, rules)
    except SocialError as error:
        return _page(request, fields, error)
    return sheets.back(HERE, kept=True)


def _page(request: Request, typed: Mapping[str, str], error: SocialError | None = None) -> Response:
    return sheets.show(
        request,
        "privacy.html",
        error=error,
        typed=typed,
        audiences=AUDIENCES,
        languages=languages.offered(typed.get("language", "")),
        quoters=QUOTERS,
        rules=RULES,
        handlings=HANDLINGS,
    )


routes: list[BaseRoute] = [
    Route(HERE, ask, methods=["GET"]),
    Route(HERE, change, methods=["POST"]),
]
