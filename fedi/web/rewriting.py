"""`/scheduled/ID/change`: a post for later in the form in which it was written, to say it better.

It is changed where it stands: it is posted once, under its id, whatever becomes of this page. If it
is time meanwhile, it is posted as it was, and whoever was writing changes the post.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session
from fedi.database.tables import Account, ScheduledStatus
from fedi.runtime import easel_of
from fedi.social import attempts, pending, scheduling, statuses, text
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid, NotFound, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio import imagine, scheduled
from fedi.uploads.forms import UploadedFile
from fedi.web import asking, bringing, composing, editing, later, visitors, words
from fedi.web.composing import Anew, Written
from fedi.web.scheduled import HERE
from fedi.web.settings import sheets
from fedi.web.studio import typed

POSTED = "It was time: this was posted as it was before. Change the post instead."
PROMISED = "It was time: this is posted as it was before, as soon as its picture is there."
TAKEN_BACK = "This is not among your posts for later any more. Sent from here, it is a new post."
CONFLICT = 409


@visitors.signed_in
async def ask(request: Request, visitor: SignedIn) -> Response:
    """`GET /scheduled/ID/change`: all that was given, as it stands.

    Raises:
        NotFound: it is posted, taken back, or somebody else's.
    """
    async with easel_of(request).database.read() as session:
        row = await _row(session, visitor, _number(request))
        if row is None:
            raise NotFound(scheduled.GONE)
        written, anew = await _given(session, row), await _anew(session, row)
        parent = await composing.answered(session, visitor, row.draft.get("in_reply_to_id"))
    return await composing.page(request, visitor, written, parent, None, anew)


@visitors.signed_in
async def change(request: Request, visitor: SignedIn) -> Response:
    """`POST /scheduled/ID/change`."""
    async with bringing.read(request) as (fields, files):
        return await _change(request, visitor, fields, files)


async def _change(
    request: Request,
    visitor: SignedIn,
    fields: dict[str, str],
    files: Mapping[str, UploadedFile],
) -> Response:
    easel, written = easel_of(request), composing.read(fields)
    settings = easel.settings.painting
    try:
        attempts.by_account(easel, attempts.POSTS_OF_ACCOUNT, visitor.account)
        brought = await bringing.take(easel, visitor.account, fields, files)
        async with easel.database.write() as tx:
            author = await tx.get_one(Account, visitor.account.id)
            held = await scheduled.hold(tx, author, _number(request))
            draft = await _changed(tx, held.draft, written, brought)
            await composing.refuse_poll_and_picture(tx, settings, draft)
            await scheduled.change(tx, settings, author, held, draft, _when(fields, held.row))
    except SocialError as error:
        return await _again(request, visitor, written, fields, error)
    return sheets.back(words.sent(HERE, fields), kept=True)


async def _row(session: Session, visitor: SignedIn, number: int) -> ScheduledStatus | None:
    row = await session.get(ScheduledStatus, number)
    return row if row is not None and row.account_id == visitor.account.id else None


async def _given(session: Session, row: ScheduledStatus) -> Written:
    """A post for later as the fields of its form."""
    draft = scheduling.draft_of(row)
    media = await scheduling.media_of(session, [row])
    there = [media[number] for number in draft.media_ids if number in media]
    fields = {"when": row.scheduled_at.strftime(later.TYPED)}
    for place, medium in zip(bringing.PLACES, there, strict=False):
        fields |= {f"had-{place}": str(medium.id), f"alt-{place}": medium.description}
    if draft.poll is not None:
        fields |= asking.drafted(draft.poll)
    return Written(
        words=await imagine.written(session, draft),
        warning=draft.spoiler_text,
        audience=draft.visibility,
        language=draft.language or "",
        quoters=draft.quoters,
        training=typed.trained(draft.training),
        covered=draft.sensitive,
        typed=fields,
    )


async def _anew(session: Session, row: ScheduledStatus, *, given: bool = False) -> Anew:
    """What the form says of the post; `given`: what stands in it was sent already."""
    painting, poll = (await scheduled.to_come(session, [row])).get(row.uri), row.draft.get("poll")
    usual = poll is None or str(poll["expires_in"]) in asking.ENDS
    return Anew(
        number=row.id,
        uri=row.uri,
        utc="" if given else row.scheduled_at.isoformat(),
        making="" if painting is None else f"/studio/{painting.id}",
        ends=asking.ENDS if usual else {asking.STAYS: "As it was"} | asking.ENDS,
    )


async def _changed(session: Session, old: Draft, written: Written, brought: list[int]) -> Draft:
    """What was kept, with all that the form says; what it does not ask for stays."""
    before = text.clean(await imagine.written(session, old)).strip()
    same = text.clean(written.words).strip() == before
    return replace(
        old,
        text=old.text if same else written.words,
        # What came as HTML from an app would lose what no form can show.
        content_html=old.content_html if same else None,
        verbatim=old.verbatim and same,
        spoiler_text=written.warning,
        sensitive=written.covered,
        visibility=written.audience,
        language=written.language or None,
        quoters=composing.quoters(written, old.quoters),
        training=typed.training({"training": written.training}),
        media_ids=brought,
        poll=asking.read(written.typed, old.poll.expires_in if old.poll is not None else None),
    )


def _when(fields: Mapping[str, str], row: ScheduledStatus) -> datetime:
    """When it is to be posted; a form knows minutes, apps know seconds.

    Raises:
        Invalid: that is no moment.
    """
    moment = later.when(fields)
    if moment is None:
        raise Invalid(later.NO_MOMENT)
    return (
        row.scheduled_at if moment == row.scheduled_at.replace(second=0, microsecond=0) else moment
    )


async def _again(
    request: Request,
    visitor: SignedIn,
    written: Written,
    fields: Mapping[str, str],
    error: SocialError,
) -> Response:
    """What was written, and why it was not kept: nothing of it is lost, even if it is too late."""
    account, uri = visitor.account, fields.get("uri", "")
    async with easel_of(request).database.read() as session:
        row = await _row(session, visitor, _number(request))
        status = await statuses.load_by_uri(session, account, uri) if row is None else None
        promised = await pending.load(session, account, uri) if row is None else None
        parent = await composing.answered(session, visitor, ids.parse(fields.get("reply_to")))
        anew = None if row is None else await _anew(session, row, given=True)
    if status is not None and status.account_id == account.id:
        return await editing.instead(
            request, visitor, status.id, fields, SocialError(POSTED, CONFLICT)
        )
    if promised is not None:
        error, anew = SocialError(PROMISED, CONFLICT), Anew(_number(request), uri)
    elif row is None:
        error = NotFound(TAKEN_BACK)
    return await composing.page(request, visitor, written, parent, error, anew)


def _number(request: Request) -> int:
    number: int = request.path_params["id"]
    return number


routes: list[BaseRoute] = [
    Route(f"{HERE}/{{id:int}}/change", ask, methods=["GET"]),
    Route(f"{HERE}/{{id:int}}/change", change, methods=["POST"]),
]
