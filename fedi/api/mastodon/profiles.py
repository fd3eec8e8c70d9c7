"""`update_credentials` and `/api/v1/profile`: what somebody says of themselves."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi.api.body import MAX_BODY
from fedi.api.mastodon import entities, throttle
from fedi.api.mastodon.params import Upload
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as views
from fedi.database.tables import Account
from fedi.social import profiles
from fedi.social.errors import SocialError
from fedi.social.profiles import Changes, Line
from fedi.studio import faces

LIMIT = 2 * faces.MAX_BYTES + MAX_BODY  # bytes: an avatar, a header, and words
POSTING = "posting:default:"
AS_THEY_ARE = (
    "display_name", "note", "avatar_description", "header_description", "locked", "bot",
    "discoverable", "indexable", "hide_collections", "attribution_domains",
)  # fmt: skip


class Source(Struct, kw_only=True):
    """How somebody usually posts."""

    privacy: str | None = None
    sensitive: bool | None = None
    language: str | None = None
    quote_policy: str | None = None


class Asked(Struct, kw_only=True):
    display_name: str | None = None
    note: str | None = None
    avatar: Upload | None = None
    avatar_description: str | None = None
    header: Upload | None = None
    header_description: str | None = None
    locked: bool | None = None
    bot: bool | None = None
    discoverable: bool | None = None
    indexable: bool | None = None
    hide_collections: bool | None = None
    fields_attributes: list[Field] | None = None
    attribution_domains: list[str] | None = None
    source: Source | None = None
    show_media: bool | None = None
    show_media_replies: bool | None = None
    show_featured: bool | None = None


class Field(Struct, kw_only=True):
    name: str = ""
    value: str = ""


async def update_credentials(call: Call) -> entities.CredentialAccount:
    await _update(call)
    return await _credentials(call)


async def update_profile(call: Call) -> entities.Profile:
    await _update(call)
    return await profile(call)


async def profile(call: Call) -> entities.Profile:
    async with call.easel.database.read() as session:
        account = await session.get_one(Account, call.account.id)
        return await views.profile(call.easel, session, account)


async def delete_avatar(call: Call) -> entities.CredentialAccount:
    await _change(call, Changes(avatar=""))
    return await _credentials(call)


async def delete_header(call: Call) -> entities.CredentialAccount:
    await _change(call, Changes(header=""))
    return await _credentials(call)


async def _update(call: Call) -> None:
    asked = await call.read(Asked, limit=LIMIT)
    files: dict[str, Any] = {}
    for kind, upload in _uploads(asked):
        call.count(throttle.UPLOADS)
        files[kind] = await faces.store(call.easel, kind, upload.content)
    lines = asked.fields_attributes
    changes = Changes(
        **files,
        **{name: getattr(asked, name) for name in AS_THEY_ARE},
        fields=None if lines is None else [Line(line.name, line.value) for line in lines],
        preferences=_preferences(asked),
    )
    try:
        await _change(call, changes)
    except SocialError:  # whatever else breaks off leaves files that the daily cleaning finds
        for key in files.values():
            await call.easel.storage.delete(key)
        raise


def _uploads(asked: Asked) -> list[tuple[faces.Kind, Upload]]:
    found: list[tuple[faces.Kind, Upload]] = []
    if asked.avatar is not None:
        found.append(("avatar", asked.avatar))
    if asked.header is not None:
        found.append(("header", asked.header))
    return found


def _preferences(asked: Asked) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        name: value for name in profiles.SHOWN if (value := getattr(asked, name)) is not None
    }
    if asked.source is not None:
        names = {
            "visibility": asked.source.privacy or None,
            "sensitive": asked.source.sensitive,
            "language": asked.source.language,  # empty: none in particular
            "quote_policy": asked.source.quote_policy or None,
        }
        chosen |= {POSTING + name: value for name, value in names.items() if value is not None}
    return chosen


async def _change(call: Call, changes: Changes) -> None:
    async with call.easel.database.write() as tx:
        await profiles.change(tx, await tx.get_one(Account, call.account.id), changes)


async def _credentials(call: Call) -> entities.CredentialAccount:
    async with call.easel.database.read() as session:
        account = await session.get_one(Account, call.account.id)
        return await views.credentials(call.easel, session, account)


routes: list[BaseRoute] = [
    route("PATCH", "/api/v1/accounts/update_credentials", update_credentials, "write:accounts"),
    route("GET", "/api/v1/profile", profile, "profile read:accounts"),
    route("PATCH", "/api/v1/profile", update_profile, "write:accounts"),
    route("DELETE", "/api/v1/profile/avatar", delete_avatar, "write:accounts"),
    route("DELETE", "/api/v1/profile/header", delete_header, "write:accounts"),
]
