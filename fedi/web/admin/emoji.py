"""`/admin/emoji`: the small pictures that stand for shortcodes in what people here write."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import audit, emojis
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import faces
from fedi.web import forms
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views.links import media_path

PATH = "/admin/emoji"
FILE = "picture"  # the field


@access.only("house")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/emoji`."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    async with easel_of(request).database.read() as session:
        found = await emojis.every(session)
    return access.page(
        request,
        visitor,
        "emoji",
        "emoji",
        error=error,
        emojis=[(one.shortcode, media_path(one.file), one.category) for one in found],
        categories=sorted({one.category for one in found if one.category}),
        shortcode=fields.get("shortcode", ""),
        category=fields.get("category", ""),
        longest=emojis.MAX_SHORTCODE,
        longest_category=emojis.MAX_CATEGORY,
        side=faces.EMOJI_SIDE,
        kilobytes=faces.MAX_EMOJI_BYTES // 1024,
    )


@access.only("house")
async def add(request: Request, visitor: SignedIn) -> Response:
    """`POST /admin/emoji/add`: one more, or another picture for one that is there."""
    easel = easel_of(request)
    async with forms.read_with_files(request, faces.MAX_EMOJI_BYTES, 1) as (fields, files):
        content = await files[FILE].read() if FILE in files else b""
    try:
        access.count(request, visitor)
        with access.typed("shortcode"):
            code = emojis.check(fields.get("shortcode", "").strip())
        with access.typed(FILE):
            if not content:
                raise Invalid("Choose a picture.")
            stored, still, media_type = await faces.store_emoji(easel.storage, content)
        async with easel.database.write() as tx:
            who = await tx.get_one(Account, visitor.account.id)
            category = fields.get("category", "")
            row = await emojis.put(tx, code, stored, still, media_type, category)
            await audit.note(tx, who, "emoji.add", f":{code}:", row.id)
    except SocialError as error:
        return await access.refused(request, visitor, fields, error, _page)
    return access.done(PATH)


async def _remove(deed: Deed) -> str:
    code = deed.fields.get("id", "")
    await emojis.remove(deed.tx, code)
    await deed.note("emoji.remove", f":{code.strip(':')}:")
    return PATH


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    Route(f"{PATH}/add", add, methods=["POST"]),
    access.deed("/emoji/remove", "house", _remove, _page),
]
