"""What is done to a picture on its page: stopped, posted, thrown away, made anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment, Painting
from fedi.runtime import Easel, easel_of
from fedi.social import attempts, scheduling, statuses
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import limits, media, paintings, wishes
from fedi.uploads.forms import UploadedFile
from fedi.web import forms, later, visitors, words
from fedi.web.studio import picture, typed
from fedi.web.studio.composer import PATH
from fedi.web.studio.picture import number_of
from generation import protocol

NOT_THERE = "The picture is not there yet."


@visitors.signed_in
async def stop(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio/ID/stop`: it is not wanted any more, nor the others of its post."""
    await forms.read(request)
    painting_id = number_of(request)
    async with easel_of(request).database.write() as tx:
        await paintings.cancel(tx, await paintings.find(tx, visitor.account, painting_id))
    return _to(painting_id)


@visitors.signed_in
async def throw_away(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio/ID/away`: a picture that nobody posted goes, with its files."""
    await forms.read(request)
    async with easel_of(request).database.write() as tx:
        painting = await paintings.find(tx, visitor.account, number_of(request))
        if painting.media_id is not None:
            await media.forget(tx, visitor.account, [painting.media_id])
    return RedirectResponse(PATH, 303, {"Cache-Control": "no-store"})


@visitors.signed_in
async def post(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio/ID/post`: it is posted, now or later; or, with `keep`, only its words are kept
    until then. `with_ID` posts others of its kind beside it."""
    fields = await forms.read(request)
    painting_id = number_of(request)
    easel = easel_of(request)
    try:
        when = later.when(fields)
        if not fields.get("keep"):
            attempts.by_account(easel, attempts.POSTS_OF_ACCOUNT, visitor.account)
        async with easel.database.write() as tx:
            author = await tx.get_one(Account, visitor.account.id)
            painting = await paintings.find(tx, author, painting_id)
            draft = msgspec.structs.replace(typed.post(fields), based_on_uri=painting.based_on_uri)
            chosen = await _chosen(tx, painting, fields)
            await _describe(tx, author, painting, draft, fields)
            if not fields.get("keep"):
                draft = msgspec.structs.replace(draft, media_ids=chosen)
                if when is None:
                    await statuses.publish(tx, author, draft)
                else:
                    draft = msgspec.structs.replace(draft, verbatim=True)  # as if posted now
                    await scheduling.add(tx, author, draft, when)
    except SocialError as error:
        return await picture.page(
            request, visitor, painting_id, fields=fields, error=error, about="post"
        )
    return _to(painting_id, fields)


async def _describe(
    tx: Transaction,
    author: Account,
    painting: Painting,
    draft: Draft,
    fields: Mapping[str, str],
) -> None:
    """Keep the words that were written for a picture: its alt text, and those of its post."""
    if painting.media_id is None:
        raise Invalid(NOT_THERE)
    medium = await tx.get(MediaAttachment, painting.media_id)
    if medium is None or medium.account_id != author.id:
        raise Invalid(NOT_THERE)
    if medium.status_id is not None:
        raise Invalid("It is posted already: change the post instead.")
    said = media.checked_description(fields.get("description", ""))
    if said != medium.description:
        medium.description, medium.described_by = said, ""
        tx.add(medium)
    painting.begun_post = msgspec.to_builtins(draft)
    tx.add(painting)
    await tx.flush()


async def _chosen(tx: Transaction, painting: Painting, fields: Mapping[str, str]) -> list[int]:
    """The pictures of a post, in the order in which they were asked for."""
    wanted = {painting.id}
    for name, value in fields.items():
        start, _, number = name.partition("_")
        if start == "with" and value and (found := ids.parse(number)) is not None:
            wanted.add(found)
    group = await paintings.asked_together(tx, painting)
    rows = await tx.exec(
        select(MediaAttachment.id).where(
            col(MediaAttachment.id).in_(
                [one.media_id for one in group if one.id in wanted and one.media_id is not None]
            ),
            col(MediaAttachment.status_id).is_(None),
        )
    )
    return sorted(rows.all())


@visitors.signed_in
async def more(request: Request, visitor: SignedIn) -> Response:
    """`POST /studio/ID/more`: another picture, made of this one. `way` is `vary` (the same again,
    with another seed), `larger` (`upscale` times), `change` (`prompt`, from this picture with
    `strength`) or `mask` (only inside a mask, which is drawn, sent or a rectangle)."""
    easel, painting_id = easel_of(request), number_of(request)
    fields: dict[str, str] = {}
    try:
        with limits.forms(easel, visitor.account):
            async with forms.read_with_files(request, protocol.MAX_INPUTS, 1) as (fields, files):
                made = await _made(easel, visitor.account, painting_id, fields, files)
    except SocialError as error:
        return await picture.page(
            request, visitor, painting_id, fields=fields, error=error, about="change"
        )
    return _to(made.id, fields)


async def _made(
    easel: Easel,
    account: Account,
    painting_id: int,
    fields: Mapping[str, str],
    files: Mapping[str, UploadedFile],
) -> Painting:
    async with easel.database.read() as session:
        await limits.may_ask(session, easel.settings.painting, account)
        painting = await paintings.find(session, account, painting_id)
    asked: dict[str, Any] = {"share_recipe": painting.share_recipe}
    match fields.get("way"):
        case "vary":
            asked |= {"variation_of": str(painting_id), "recipe": {}}
        case "larger":
            times = fields.get("upscale", "")
            asked |= {
                "upscale_of": str(painting_id),
                "upscale": int(times) if times in {"2", "4"} else None,
            }
        case "change" | "mask":
            asked |= {
                "variation_of": str(painting_id),
                "recipe": _change(painting, fields, files),
            }
        case _:
            raise Invalid("That is no way to make another picture.")
    begun = painting.draft or painting.begun_post
    draft = None if begun is None else msgspec.convert(begun, Draft)
    wish = await wishes.understand(easel, account, asked, files)
    return (await wishes.grant(easel, account, wish, draft))[0]


def _change(
    painting: Painting, fields: Mapping[str, str], files: Mapping[str, UploadedFile]
) -> dict[str, Any]:
    """What is different in a picture that begins with an earlier one."""
    if painting.media_id is None:
        raise Invalid(NOT_THERE)
    inside = fields["way"] == "mask"
    mask = typed.mask(fields, files) if inside else None
    if inside and mask is None:
        raise Invalid("Say where to paint: draw it, choose a file, or give a rectangle.")
    said = {
        "prompt": fields.get("prompt", "").strip() or painting.recipe.get("prompt", ""),
        "strength": typed.number(fields, "strength", "The strength"),
        "source": {"painting_id": str(painting.id)},
        "mask": mask,
        "upscale": None,
    }
    return {name: value for name, value in said.items() if name != "strength" or value is not None}


def _to(painting_id: int, fields: Mapping[str, str] | None = None) -> Response:
    """To the page of a picture; what was typed into a form is kept by the server now."""
    path = words.sent(f"{PATH}/{painting_id}", fields or {})
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


routes: list[BaseRoute] = [
    Route(f"{PATH}/{{id}}/stop", stop, methods=["POST"]),
    Route(f"{PATH}/{{id}}/away", throw_away, methods=["POST"]),
    Route(f"{PATH}/{{id}}/post", post, methods=["POST"]),
    Route(f"{PATH}/{{id}}/more", more, methods=["POST"]),
]
