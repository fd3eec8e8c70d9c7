"""The page on which a post is changed: its words, its warning, what its pictures show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, Status
from fedi.runtime import easel_of
from fedi.social import attempts, drafts, statuses, text
from fedi.social.drafts import Draft
from fedi.social.edits import Further, MediaChange
from fedi.social.errors import Invalid, SocialError
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn
from fedi.studio import media
from fedi.studio.remote_files import claims, gallery
from fedi.web import asking, bringing, deeds, forms, languages, visitors
from fedi.web.render import private_page
from fedi.web.views import pictures
from fedi.web.views import posts as post_views

MAX_DESCRIPTIONS = 4 * media.MAX_DESCRIPTION * drafts.MAX_MEDIA  # bytes, besides all else
NOT_YOURS = "Only its author can change a post."


async def ask(request: Request, visitor: SignedIn, number: int | None) -> Response:
    """`GET /compose?edit=ID`: a post of one's own as it stands.

    Raises:
        HTTPException: there is none, or it is somebody else's.
    """
    post = await _load(request, visitor, number or 0)
    typed = {
        "words": _words(post.status),
        "warning": post.status.spoiler_text,
        "language": post.status.language or "",
        **{f"alt-{medium.id}": medium.description for medium in post.media},
    }
    if post.status.sensitive:
        typed["sensitive"] = "1"
    if post.poll is not None:
        typed |= asking.typed(post.poll)
    return await _page(request, visitor, post, typed)


async def instead(
    request: Request,
    visitor: SignedIn,
    number: int,
    fields: Mapping[str, str],
    error: SocialError,
) -> Response:
    """The form of a post, with what somebody wrote of it where that came too late.

    Args:
        fields: of the form in which it is written (`composing`).
        error: why that came too late.
    """
    post = await _load(request, visitor, number)
    typed = {name: said for name, said in fields.items() if not name.startswith("alt-")}
    for place in bringing.PLACES:
        typed[f"alt-{fields.get(f'had-{place}', '')}"] = fields.get(f"alt-{place}", "")
    if "covered" in fields:
        typed["sensitive"] = "1"
    return await _page(request, visitor, post, typed, error)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /posts/ID/edit`."""
    async with forms.read_with_files(request, MAX_DESCRIPTIONS, 0) as (fields, _):
        return await _change(request, visitor, fields)


async def _change(request: Request, visitor: SignedIn, fields: Mapping[str, str]) -> Response:
    easel = easel_of(request)
    post = await _load(request, visitor, request.path_params["id"])
    try:
        attempts.by_account(easel, attempts.POSTS_OF_ACCOUNT, visitor.account)
        async with easel.database.write() as tx:
            author = await tx.get_one(Account, visitor.account.id)
            status = await tx.get_one(Status, post.status.id)
            draft, further = _changed(post, status, fields, tx.now)
            await statuses.edit(tx, author, status, draft, further)
    except SocialError as error:
        return await _page(request, visitor, post, fields, error)
    path = f"/@{visitor.account.username}/{post.status.id}"
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def _changed(
    post: Post, status: Status, fields: Mapping[str, str], now: datetime
) -> tuple[Draft, Further]:
    words, poll, polled = fields.get("words", ""), None, False
    if post.poll is not None:
        stays = fields.get("poll_ends") == asking.STAYS
        # Of what has ended nobody changes anything but by saying when it ends now.
        left = asking.left(post.poll, now) or (0 if stays else None)
        poll = asking.read(fields, left)
        polled = not asking.is_same(post.poll, poll, fields)
        if polled and left == 0:
            raise Invalid("The poll has ended: say when it ends now.")
    draft = Draft(
        text=words,
        markdown=status.source_type == text.MARKDOWN,
        spoiler_text=fields.get("warning", ""),
        sensitive="sensitive" in fields,
        language=fields.get("language") or None,
        poll=poll if polled else None,
    )
    described = tuple(
        MediaChange(id=medium.id, description=media.checked_description(said))
        for medium in post.media
        if (said := fields.get(f"alt-{medium.id}")) is not None and said != medium.description
    )
    # Words that came as HTML from an app would lose what no form can show.
    same = text.clean(words).strip() == text.clean(_words(status)).strip()
    return draft, Further(media=described, same_words=same, polled=polled)


def _words(status: Status) -> str:
    """What its author wrote, or what is read of what an app wrote for them."""
    return status.source or text.plain(status.content)


async def _load(request: Request, visitor: SignedIn, number: int) -> Post:
    easel = easel_of(request)
    async with easel.database.read() as session:
        post = await deeds.load(session, visitor.account, number)
    if post.account.id != visitor.account.id:
        raise HTTPException(403, NOT_YOURS)
    return post


async def _page(
    request: Request,
    visitor: SignedIn,
    post: Post,
    typed: Mapping[str, str],
    error: SocialError | None = None,
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        hung = await gallery.of(easel, session, claims.of_posts([post]))
    language = typed.get("language", "")
    answer = private_page(
        request,
        "edit.html",
        status=error.status if error is not None else 200,
        sheets=("forms", "settings"),
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        post=post_views.shown(post, hung, visitor.account),
        post_id=str(post.status.id),
        pictures=[
            (
                f"alt-{medium.id}",
                pictures.picture(medium, False, hung),
                typed.get(f"alt-{medium.id}", medium.description),
            )
            for medium in post.media
        ],
        typed=typed,
        languages=languages.offered(language),
        asking=asking,
        poll_ends={asking.STAYS: "As it was"} | asking.ENDS,
        longest=text.MAX_TEXT,
        longest_warning=drafts.MAX_SPOILER,
        longest_description=media.MAX_DESCRIPTION,
    )
    return forms.patient(answer, error)


routes: list[BaseRoute] = [Route("/posts/{id:int}/edit", change, methods=["POST"])]
