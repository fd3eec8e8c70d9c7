"""`/settings/profile`: what somebody says of themselves, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import accounts, attempts, profiles
from fedi.social.errors import SocialError
from fedi.social.profiles import Changes, Line
from fedi.social.sessions import SignedIn
from fedi.studio import faces
from fedi.studio.remote_files import claims, gallery
from fedi.uploads.forms import UploadedFile
from fedi.web import forms, visitors
from fedi.web.settings import sheets
from fedi.web.views import people

HERE = "/settings/profile"
FACES = attempts.Limit("avatars and headers of an account by pages", 30, 1800)
FIRST_LINES = 4  # of the table that are there to be filled in, as Mastodon's page
LONGEST_SITES = profiles.MAX_ATTRIBUTION_DOMAINS * 262  # characters: a domain, and https://
TICKS = ("locked", "bot", "discoverable", "indexable")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form.

    Attributes:
        lines: of the table, by number.
        sites: which may name them as an author, one a line.
        ticks: those of `TICKS` that are set.
        gone: which pictures are to be taken away, of `avatar` and `header`.
    """

    name: str
    words: str
    lines: Sequence[Line]
    ticks: frozenset[str]
    avatar_description: str
    header_description: str
    sites: str = ""
    gone: frozenset[str] = frozenset()


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/profile`."""
    account = visitor.account
    ticks = {name for name in TICKS if name != "bot" and getattr(account, name)}
    if account.actor_type == "Service":
        ticks.add("bot")
    typed = Typed(
        name=account.display_name,
        words=account.note_source,
        lines=[Line(one.get("name", ""), one.get("source", "")) for one in account.fields],
        ticks=frozenset(ticks),
        avatar_description=account.avatar_description,
        header_description=account.header_description,
        sites="\n".join(account.attribution_domains),
    )
    return await _page(request, visitor, typed)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /settings/profile`: all of it is as the form says now."""
    async with forms.read_with_files(request, 2 * faces.MAX_BYTES, 2) as (fields, files):
        typed = _typed(fields)
        try:
            sheets.count(request, visitor)
            await _keep(request, visitor, typed, files)
        except SocialError as error:
            return await _page(request, visitor, typed, error)
    return sheets.back(HERE, kept=True)


async def _keep(
    request: Request, visitor: SignedIn, typed: Typed, files: Mapping[str, UploadedFile]
) -> None:
    easel = easel_of(request)
    keys = dict.fromkeys(typed.gone, "")
    fresh: list[str] = []
    try:
        for kind in ("avatar", "header"):
            if kind in files:
                sheets.count(request, visitor, FACES)
                keys[kind] = await faces.store(easel, kind, await files[kind].read())
                fresh.append(keys[kind])
        ticks: dict[str, Any] = {name: name in typed.ticks for name in TICKS}
        changes = Changes(
            display_name=typed.name,
            note=typed.words,
            fields=typed.lines,
            avatar=keys.get("avatar"),
            header=keys.get("header"),
            avatar_description=None if keys.get("avatar") == "" else typed.avatar_description,
            header_description=None if keys.get("header") == "" else typed.header_description,
            attribution_domains=typed.sites.split(),
            **ticks,
        )
        async with easel.database.write() as tx:
            await profiles.change(tx, await tx.get_one(Account, visitor.account.id), changes)
    except SocialError:  # whatever else breaks off leaves files that the daily cleaning finds
        for key in fresh:
            await easel.storage.delete(key)
        raise


def _typed(fields: Mapping[str, str]) -> Typed:
    return Typed(
        name=fields.get("name", ""),
        words=fields.get("words", ""),
        lines=[
            Line(fields.get(f"label-{number}", ""), fields.get(f"value-{number}", ""))
            for number in range(profiles.MAX_FIELDS)
        ],
        ticks=frozenset(name for name in TICKS if name in fields),
        avatar_description=fields.get("avatar_description", ""),
        header_description=fields.get("header_description", ""),
        sites=fields.get("sites", ""),
        gone=frozenset(kind for kind in ("avatar", "header") if f"{kind}_gone" in fields),
    )


async def _page(
    request: Request, visitor: SignedIn, typed: Typed, error: SocialError | None = None
) -> Response:
    easel, account = easel_of(request), visitor.account
    async with easel.database.read() as session:
        hung = await gallery.of(easel, session, claims.of_account(account))
    shown = people.profile(account, hung)
    verified = {one.get("source") for one in account.fields if one.get("verified_at")}
    lines = [line for line in typed.lines if line.name or line.value]
    # Always two more than are used, as many as there may be.
    length = min(max(FIRST_LINES, len(lines) + 2), profiles.MAX_FIELDS)
    lines += [Line("", "")] * (length - len(lines))
    return sheets.show(
        request,
        "edit_profile.html",
        error=error,
        typed=typed,
        lines=[(line, line.value in verified) for line in lines],
        maker=people.maker(account, hung),
        header=shown.header,
        longest_name=accounts.MAX_DISPLAY_NAME,
        longest_words=profiles.MAX_NOTE,
        longest_field=profiles.MAX_FIELD,
        longest_description=profiles.MAX_DESCRIPTION,
        longest_sites=LONGEST_SITES,
    )


routes: list[BaseRoute] = [
    Route(HERE, ask, methods=["GET"]),
    Route(HERE, change, methods=["POST"]),
]
