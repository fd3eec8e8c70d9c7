"""`POST /users/NAME/outbox`: an app posts in the name of its account (ActivityPub 6).

What can be posted is a Note, bare or in a Create; see `submission` for how it is read and how a
picture is asked for. An Add or a Remove changes what the account shows on its profile: see
`collections`. Everything else is refused by name.
"""

from __future__ import annotations

import contextlib
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import json
from activitypub.client import FetchError
from activitypub.context import LD_JSON, with_context
from activitypub.errors import Malformed
from fedi.api import auth, body
from fedi.api.client import collections, submission
from fedi.api.client.submission import Submission
from fedi.api.easel.asking import parse_recipe
from fedi.api.easel.paintings import address as painting_address
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Painting, Status
from fedi.federation import newcomers, remote, threads
from fedi.federation.documents.posts import create_document
from fedi.runtime import Easel
from fedi.social import accounts, pending, posts, statuses
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.statuses import Draft
from fedi.social.text import MAX_MENTIONS
from fedi.studio import imagine, inputs, media, paintings, remixing
from fedi.studio.inputs import Found

# What ActivityPub wants and what apps send: AndStatus the third, curl users the last.
TYPES = (
    "application/ld+json",
    "application/activity+json",
    "application/json",
)


async def post(request: Request) -> Response:
    """Post a Note, or say what is shown on the profile.

    Returns:
        201, the id of its Create (or of the Add or Remove) as `Location`, and that activity as the
        body (`evanp/ap` reads that, AndStatus the former). If a picture was asked for, the post
        appears under its id when the picture is done; `Link: <…>; rel="monitor"` names the
        painting to watch.

    Raises:
        400 for what is no ActivityStreams, or misses what an activity needs; 401 without a valid
        token; 403 for another's outbox or a token that may only read; 404 for what is not there;
        413; 415 for a body of another type; 422, with one plain sentence, for what this server does
        not do.
    """
    who = await auth.caller(request, "write:statuses")
    author = who.account
    if request.path_params["name"].lower() != author.username.lower():
        raise HTTPException(403, "This is somebody else's outbox.")
    document = await body.read_object(request, TYPES)
    easel = cast(Easel, request.app.state.easel)
    if submission.named(document) in collections.TYPES:
        changed = await collections.change(easel, author, document)
        assert changed.id is not None
        return _created(changed.id, changed.document())
    asked = submission.read(document, author.followers_uri)
    draft = await _draft(easel, author, asked)
    if len(asked.wishes) > 1:
        raise Invalid("Ask for one picture at a time.")
    parent = await remixing.picture(easel, author, draft.based_on_uri)
    kept = [parent] if parent else []
    await inputs.keep_files(easel, kept)
    made: Status | Painting | None = None
    try:
        async with easel.database.write() as tx:
            made = await _post(tx, easel, author, asked, draft, parent)
    finally:
        if not isinstance(made, Painting):  # nothing is painted
            await inputs.discard_files(easel, kept)
    if isinstance(made, Status):
        return _created(made.activity_uri, await _published(easel, author, made))
    async with easel.database.read() as session:
        promised = (await pending.assemble(session, author, made)).post
        create = create_document(session, promised)
    watch = f'<{painting_address(easel, made.id)}>; rel="monitor"'
    return _created(promised.status.activity_uri, create, {"Link": watch})


async def _post(
    tx: Transaction,
    easel: Easel,
    author: Account,
    asked: Submission,
    draft: Draft,
    parent: Found | None,
) -> Status | Painting:
    settings = easel.settings.painting
    if not asked.wishes:
        return await imagine.post(
            tx, settings, author, draft, share_recipe=asked.share_recipe, parent=parent
        )
    [wish] = asked.wishes
    return await paintings.request(
        tx,
        settings,
        author,
        parse_recipe(wish.recipe),
        share_recipe=asked.share_recipe is not False,
        description=wish.description,
        draft=draft,
        status_uri=statuses.mint_uri(tx, author),
        based_on_uri=draft.based_on_uri,
        parent=parent,
    )


async def _draft(easel: Easel, author: Account, asked: Submission) -> Draft:
    """The post that was asked for, everything it names looked up."""
    note = asked.note
    if len(asked.recipients) > MAX_MENTIONS:
        raise Invalid(f"A post is addressed to at most {MAX_MENTIONS} people.")
    people = {uri: await _person(easel, uri) for uri in asked.recipients if uri != author.uri}
    hidden = set(asked.hidden)
    parent = None if note.in_reply_to is None else await _answered(easel, author, note.in_reply_to)
    async with easel.database.read() as session:
        pictures = [await _picture(session, author, url) for url in asked.addresses]
    return Draft(
        text=asked.text,
        markdown=asked.markdown,
        content_html=asked.content or None,
        spoiler_text=note.summary or "",
        sensitive=note.sensitive,
        visibility=asked.visibility,
        language=note.language,
        in_reply_to_id=parent,
        media_ids=pictures,
        recipients=[person.id for uri, person in people.items() if uri not in hidden],
        blind=[person.id for uri, person in people.items() if uri in hidden],
        based_on_uri=note.is_based_on,
        quoters=asked.quoters,
    )


async def _person(easel: Easel, uri: str) -> Account:
    async with easel.database.read() as session:
        account = await accounts.by_uri(session, uri)
    if account is None:
        account = await remote.resolve(easel, uri)
    if account.deleted_at is not None:
        raise Invalid(f"{uri} is not there any more.")
    return account


async def _answered(easel: Easel, author: Account, uri: str) -> int:
    """The post that is answered; what the author may not see is as if it were not there."""
    for known in (True, False):
        if not known:
            with contextlib.suppress(FetchError, Malformed, SocialError):
                newcomers.welcome(easel, uri)
                fetched = await remote.status(easel, uri)
                if fetched is not None:
                    async with easel.database.write() as tx:
                        await threads.look_up(tx, fetched)
        async with easel.database.read() as session:
            status = await statuses.load_by_uri(session, author, uri)
        if status is not None:
            return status.id
    raise NotFound("What this answers is not there.")


async def _picture(session: Session, author: Account, url: str) -> int:
    key = media.key_of(session.instance, url)
    if key is None:
        raise Invalid("A picture must be on this server before it can be posted.")
    return (await media.unattached(session, author, key)).id


async def _published(easel: Easel, author: Account, status: Status) -> dict[str, Any]:
    """The Create of a post, as everybody who may see it gets it."""
    async with easel.database.read() as session:
        [shown] = await posts.assemble(session, [status], author)
        return create_document(session, shown)


def _created(
    location: str, document: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    return Response(
        json.encode(with_context(document)),
        201,
        {"Location": location, **(headers or {})},
        media_type=LD_JSON,
    )


routes: list[BaseRoute] = [Route("/users/{name}/outbox", post, methods=["POST"])]
