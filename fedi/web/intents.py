"""What people do here from a link elsewhere (FEP-3b86): see something, follow somebody, post.

A link only leads to a page: what it asks for is done by a form on it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub import origin
from activitypub.objects import values
from fedi import ids
from fedi.database import Transaction
from fedi.database.tables import Account, Login, Status
from fedi.federation import remote
from fedi.runtime import Easel, easel_of
from fedi.social import (
    accounts,
    attempts,
    drafts,
    follows,
    idempotency,
    posts,
    preferences,
    statuses,
    text,
)
from fedi.social.drafts import Draft
from fedi.social.errors import SocialError
from fedi.social.sessions import SignedIn
from fedi.social.visibility import SHOWN_TO_ALL
from fedi.studio import imagine
from fedi.studio.remote_files import claims, gallery
from fedi.web import deeds, forms, reacting, replies, returning, visitors
from fedi.web.render import ROBOTS_NOWHERE, page, private_page
from fedi.web.returning import Ways
from fedi.web.views import people
from fedi.web.views import posts as post_views

# Each may make us ask another server.
LOOK_UPS = attempts.Limit("look-ups of an account", 60, 600)
ONCE = "intents/create "  # before what a form says, so that no app's key is taken for one
MAX_ONCE = 100  # characters

AUDIENCES = {
    "public": "Everybody",
    "unlisted": "Everybody, quietly",
    "private": "Followers",
    "direct": "Only whom I name",
}
assert set(AUDIENCES) == set(drafts.VISIBILITIES)


async def see(request: Request) -> Response:
    """`GET /intents/object?object=ID`: something by its id. What is ours has a page; who is signed
    in sees here what is elsewhere, and everybody else gets a link: nobody is sent on unasked.

    Raises:
        HTTPException: that is no address.
    """
    uri = values.web_uri(request.query_params.get("object"))
    host = origin.host(uri) if uri is not None else None
    if uri is None or host is None:
        raise HTTPException(400, "The parameter object must be the address of something.")
    easel = easel_of(request)
    viewer = await visitors.viewer(request)
    async with easel.database.read() as session:
        status = await statuses.load_by_uri(session, viewer, uri)
        account = await accounts.by_uri(session, uri)
    if status is not None and status.local:
        return RedirectResponse(status.url, 302)
    if account is not None and account.local and accounts.is_person(account):
        return RedirectResponse(account.url, 302)
    if origin.same_origin(uri, easel.settings.instance.url):
        raise HTTPException(404, "There is no such thing here, or it is not for everybody.")
    here = visitors.found(uri)
    if viewer is not None:
        return RedirectResponse(here, 303, {"Cache-Control": "no-store"})
    way = visitors.quoted(here)
    return page(
        request,
        "elsewhere.html",
        robots=ROBOTS_NOWHERE,
        sheets=("forms",),
        uri=uri,
        host=host,
        way=way,
    )


@visitors.signed_in
async def ask_follow(request: Request, visitor: SignedIn) -> Response:
    """`GET /intents/follow?object=ID`: somebody by their id or handle, and a button.

    Raises:
        HTTPException: the parameter is missing.
        SocialError: there is nobody.
    """
    wanted = forms.parsed(request.url.query).get("object", "").strip()
    if not wanted or len(wanted) > values.URI_LIMIT:
        raise HTTPException(400, "The parameter object must name an account.")
    easel = easel_of(request)
    attempts.by_account(easel, LOOK_UPS, visitor.account)
    target = await remote.resolve(easel, wanted)
    ways = returning.read(forms.parsed(request.url.query))
    return await _follow_page(request, visitor, target, ways)


@visitors.signed_in
async def follow(request: Request, visitor: SignedIn) -> Response:
    """`POST /intents/follow`: the button was pressed."""
    fields = await forms.read(request)
    number = ids.parse(fields.get("id"))
    if number is None:
        raise HTTPException(400, "The id must be a number.")
    async with easel_of(request).database.write() as tx:
        target = await accounts.by_id(tx, number)
        if target is None:
            raise HTTPException(404, "There is no such account.")
        error = None
        try:
            attempts.by_account(easel_of(request), attempts.FOLLOWS_OF_ACCOUNT, visitor.account)
            await follows.request(tx, visitor.account, target)
        except SocialError as reason:
            error = reason
    return await _follow_page(request, visitor, target, returning.read(fields), error)


async def _follow_page(
    request: Request,
    visitor: SignedIn,
    target: Account,
    ways: Ways,
    error: SocialError | None = None,
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        relation = await follows.relationship(session, visitor.account, target)
        hung = await gallery.of(easel, session, claims.of_account(target))
    return private_page(
        request,
        "follow.html",
        status=error.status if error is not None else 200,
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        target=target,
        maker=people.maker(target, hung),
        profile=people.profile(target, hung),
        relation=relation,
        ways=ways,
    )


@dataclass(frozen=True, slots=True)
class Begun:
    """A post that is being written.

    Attributes:
        once: what is posted under it is posted once, however often the button is pressed.
        answers: the post that it answers.
    """

    words: str = ""
    warning: str = ""
    audience: str = "public"
    answers: int | None = None
    once: str = ""
    ways: Ways = field(default_factory=Ways)


@visitors.signed_in
async def ask_create(request: Request, visitor: SignedIn) -> Response:
    """`GET /intents/create?content=TEXT&summary=TEXT&inReplyTo=ID`: a post, begun elsewhere."""
    query = forms.parsed(request.url.query)
    easel, answered = easel_of(request), query.get("inReplyTo", "").strip()
    begun = Begun(
        words=text.clean(_plain(query.get("content", ""))),
        warning=text.clean(query.get("summary", "")),
        audience=preferences.usual(visitor.login).visibility,
        once=secrets.token_urlsafe(16),
        ways=returning.read(query),
    )
    if answered:
        found = await reacting.named(easel, visitor, answered)
        async with easel.database.read() as session:
            reply = replies.to(await deeds.load(session, visitor.account, found.id), visitor)
        begun = replace(
            begun,
            words=reply.words(begun.words),
            warning=begun.warning or reply.warning,
            audience=reply.audience,
            answers=found.id,
        )
    begun = replace(
        begun,
        words=begun.words[: text.MAX_TEXT],
        warning=begun.warning[: drafts.MAX_SPOILER],
    )
    return await _create_page(request, visitor, begun)


def _plain(content: str) -> str:
    """What a link carries may be HTML, as the content of a note is."""
    if "</" not in content:
        return content
    return text.plain(text.sanitise(content[: text.MAX_REMOTE_HTML]))


@visitors.signed_in
async def create(request: Request, visitor: SignedIn) -> Response:
    """`POST /intents/create`: it is posted, or painted first if its words ask for a picture."""
    fields = await forms.read(request)
    begun = Begun(
        words=fields.get("words", ""),
        warning=fields.get("warning", ""),
        audience=fields.get("audience", ""),
        answers=ids.parse(fields.get("answers")),
        once=fields.get("once", "")[:MAX_ONCE],
        ways=returning.read(fields),
    )
    easel = easel_of(request)
    try:
        attempts.by_account(easel, attempts.POSTS_OF_ACCOUNT, visitor.account)
        async with easel.database.write() as tx:
            uri = await _post(tx, easel, visitor.account, begun)
    except SocialError as error:
        return await _create_page(request, visitor, begun, error)
    async with easel.database.read() as session:
        made = await statuses.load_by_uri(session, visitor.account, uri)
    shown = made is not None and made.visibility in SHOWN_TO_ALL
    return private_page(
        request,
        "created.html",
        visitor=visitor,
        painting=made is None,
        href=made.url if made is not None and shown else "",
        ways=begun.ways,
    )


async def _post(tx: Transaction, easel: Easel, author: Account, begun: Begun) -> str:
    """The id of the post, which was made now or when the button was pressed before."""
    key = f"{ONCE}{begun.once}" if begun.once else ""
    uri = await idempotency.claim(tx, author, key) if key else None
    if uri is not None:
        return uri
    usual = preferences.usual(await tx.get(Login, author.id))
    draft = Draft(
        quoters=usual.quoters,
        language=usual.language,
        text=begun.words,
        spoiler_text=begun.warning,
        sensitive=usual.sensitive,
        visibility=begun.audience,
        in_reply_to_id=begun.answers,
    )
    made = await imagine.post(tx, easel.settings.painting, author, draft)
    uri = made.uri if isinstance(made, Status) else made.status_uri or ""
    if key:
        await idempotency.settle(tx, author, key, uri)
    return uri


async def _create_page(
    request: Request, visitor: SignedIn, begun: Begun, error: SocialError | None = None
) -> Response:
    easel, answered = easel_of(request), None
    async with easel.database.read() as session:
        found = (
            await statuses.load(session, visitor.account, begun.answers) if begun.answers else None
        )
        if found is not None:
            [post] = await posts.assemble(session, [found], visitor.account)
            answered = post_views.shown(
                post, await gallery.of(easel, session, claims.of_posts([post]))
            )
    return private_page(
        request,
        "create.html",
        status=error.status if error is not None else 200,
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        words=begun.words,
        warning=begun.warning,
        audience=begun.audience,
        audiences=AUDIENCES,
        answers=str(begun.answers or ""),
        answered=answered,
        once=begun.once,
        longest=text.MAX_TEXT,
        longest_warning=drafts.MAX_SPOILER,
        ways=begun.ways,
    )


routes: list[BaseRoute] = [
    Route("/intents/object", see),
    Route("/intents/follow", ask_follow, methods=["GET"]),
    Route("/intents/follow", follow, methods=["POST"]),
    Route("/intents/create", ask_create, methods=["GET"]),
    Route("/intents/create", create, methods=["POST"]),
]
