"""What a post said before each of its edits, for everybody who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup
from sqlmodel import col
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import MediaAttachment, Status, StatusEdit
from fedi.runtime import easel_of
from fedi.social import edits, posts, statuses
from fedi.social.posts import Post
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.claims import Claim
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import emojis, profiles, visitors
from fedi.web.render import ROBOTS_NOWHERE, page
from fedi.web.views import pictures
from fedi.web.views import posts as post_views
from fedi.web.views.pictures import Picture
from fedi.web.views.posts import Moment, moment

NOTHING = "There is no such post here, or it was never changed."


@dataclass(frozen=True, slots=True)
class Version:
    """A post as it was, or is; for `pieces.words` and `pieces.pictures`.

    Attributes:
        since: when it began to be so.
        asked: what could be chosen in its poll.
    """

    since: Moment
    content: Markup
    spoiler: str
    warning: Markup
    language: str | None
    pictures: list[Picture]
    asked: list[str]
    poll: None = None
    linked: None = None


async def show(request: Request) -> Response:
    """`GET /@NAME/ID/edits`: all that a post was, the latest first."""
    easel = easel_of(request)
    number: int = request.path_params["id"]
    viewer = await visitors.viewer(request)
    async with easel.database.read() as session:
        name = request.path_params["name"]
        author = await profiles.find(session, name, viewer, nobody=NOTHING)
        query = statuses.visible_to(viewer).where(
            col(Status.id) == number,
            col(Status.account_id) == author.id,
            col(Status.reblog_of_id).is_(None),
        )
        status = (await session.exec(query)).first()
        kept = await edits.of_status(session, status) if status is not None else []
        if status is None or not kept:
            raise HTTPException(404, NOTHING)
        media = await edits.media_of(session, status, kept)
        [post] = await posts.assemble(session, [status], viewer)
        lying = [claim for medium in media.values() if (claim := claims.of_media(medium))]
        drawn = [Claim("emoji", emoji["url"]) for edit in kept for emoji in edit.emojis]
        hung = await gallery.of(easel, session, [*claims.of_posts([post]), *lying, *drawn])
    versions = [_was(post, edit, media, hung) for edit in kept]
    return page(
        request,
        "versions.html",
        robots=ROBOTS_NOWHERE,
        sheets=("forms",),
        post=post_views.shown(post, hung, viewer),
        versions=[_is(post, hung), *reversed(versions)],
    )


def _was(
    post: Post, edit: StatusEdit, media: Mapping[int, MediaAttachment], hung: Gallery
) -> Version:
    shown = [
        replace(
            pictures.picture(media[entry["id"]], edit.sensitive, hung), alt=entry["description"]
        )
        for entry in edit.media
        if entry["id"] in media
    ]
    return Version(
        since=moment(edit.created_at),
        content=emojis.drawn(edit.content, edit.emojis, hung),
        spoiler=edit.spoiler_text,
        warning=emojis.drawn_text(edit.spoiler_text, edit.emojis, hung),
        language=post.status.language,
        pictures=shown,
        asked=edit.poll or [],
    )


def _is(post: Post, hung: Gallery) -> Version:
    shown, now = post_views.shown(post, hung), post.status
    since: datetime = now.edited_at or now.created_at
    return Version(
        since=moment(since),
        content=shown.content,
        spoiler=shown.spoiler,
        warning=shown.warning,
        language=shown.language,
        pictures=shown.pictures,
        asked=[option.title for option in shown.poll.options] if shown.poll else [],
    )


routes: list[BaseRoute] = [Route("/@{name}/{id:int}/edits", show)]
