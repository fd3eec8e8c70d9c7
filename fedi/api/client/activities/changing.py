"""Update and Delete of what is one's own: posts, oneself, and objects that mean nothing here.

An Update changes what it names and leaves the rest (ActivityPub 6.3): a property that is null is
taken away. For whom a post is, whose it is, and what it answers stays as it is (`staying`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace
from sqlmodel import select

from activitypub.objects import Note
from activitypub.objects import activity as made
from fedi.api import auth
from fedi.api.client import finding, pictures, submission
from fedi.api.client.activities import extensions, profile, staying, uploaded, waiting
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.api.client.envelope import Document
from fedi.api.client.pictures import Named
from fedi.database import Session, Transaction
from fedi.database.tables import Account, MediaAttachment, Painting, Poll, Status
from fedi.federation.documents.posts import note_document
from fedi.federation.outgoing.posts import note_of
from fedi.federation.translate import outward
from fedi.social import activities, edits, kinds, pending, policies, polls, posts, statuses
from fedi.social.errors import Invalid, NotAllowed, NotFound
from fedi.social.statuses import Draft, Further
from fedi.studio import media, paintings

NOT_YOURS = "That is somebody else's."
SAME_MOMENT = timedelta(seconds=1)  # apps round


async def update(asked: Asked) -> Done:
    """Change a post of one's own, or oneself."""
    object_ = asked.inner()
    uri = asked.activity.object_id
    if not uri:
        raise Invalid("Say what is to be changed by its id.")
    if uri == asked.author.uri:
        auth.demand(asked.who, "write:accounts")
        return await profile.update(asked, object_)
    if uri.startswith(media.object_uri(asked.author, "")):
        return await uploaded.update(asked, uri, object_)
    async with asked.easel.database.read() as session:
        status = await _own(session, asked.author, uri)
        to_come = await pending.load(session, asked.author, uri) if status is None else None
    if status is None and to_come is None:
        return await extensions.update(asked, uri, object_)
    auth.demand(asked.who, "write:statuses")
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        if status is None:
            return await _to_come(tx, asked, uri, object_)
        status = await tx.get_one(Status, status.id)
        [post] = await posts.assemble(tx, [status], author)
        known = note_document(tx, post, author)
        await staying.check_post(tx, author, status, known, object_)
        activity_uri = activities.mint_uri(tx, author)
        draft, further = await _changed(tx, author, status, object_, asked)
        await statuses.edit(tx, author, status, draft, further, activity_uri=activity_uri)
        done = made.update(activity_uri, author.uri, await note_of(tx, status, author))
        return await keep(tx, author, done, visibility=status.visibility)


async def _to_come(tx: Transaction, asked: Asked, uri: str, object_: Document) -> Done:
    """Change a post that waits for its picture."""
    found = await pending.load(tx, asked.author, uri)
    if found is None:  # it came, or was called off, while this was read
        raise NotFound(finding.NO_POST)
    return await waiting.update(tx, asked, object_, found)


async def _own(session: Session, author: Account, uri: str) -> Status | None:
    """A post of the author's; None, if it is no post.

    Raises:
        NotAllowed: it is somebody else's, and the author can see it.
    """
    status = await statuses.load_by_uri(session, author, uri)
    if status is not None and status.account_id != author.id:
        raise NotAllowed(NOT_YOURS)
    if status is not None and status.reblog_of_id is not None:
        raise Invalid("A boost is taken back by an Undo.")
    return status


async def _changed(
    tx: Transaction, author: Account, status: Status, object_: Document, asked: Asked
) -> tuple[Draft, Further]:
    """What a post becomes: what the object says, and what the post says where it says nothing."""
    sensitive = object_.get("sensitive", status.sensitive)
    note = submission.parsed({**object_, "type": status.object_type, "sensitive": sensitive})
    said = object_.keys()
    written, typed_anew = _rewritten(status, note, object_)
    same_words = not (written or typed_anew)
    if not typed_anew:  # what was typed before does not say what is written now
        note = replace(note, source=None)
    typed, markdown, content = submission.words(note, object_)
    kind = status.object_type
    details: kinds.Details | None = None
    if kind in kinds.KINDS:
        fresh = submission.details(note, object_)
        known = {k: v for k, v in (status.details or {}).items() if k == "file" or k not in said}
        details = known | {k: v for k, v in fresh.items() if k != "file" and k in said}
    poll = None
    if kind == "Question" and not said.isdisjoint({"oneOf", "anyOf", "endTime"}):
        poll = await _poll(tx, status, object_, asked)
    further = Further(same_words=same_words, polled=poll is not None)
    draft = Draft(
        text=status.source if same_words else typed,
        markdown=markdown,
        content_html=None if same_words else content or None,
        spoiler_text=submission.warning(note) if "summary" in said else status.spoiler_text,
        sensitive=note.sensitive,
        visibility=status.visibility,
        language=note.language,
        poll=poll,
        kind=kind if kind in kinds.KINDS else kinds.NOTE,
        details=details,
    )
    if "interactionPolicy" in said:
        quoters = submission.quoters(note, author.followers_uri) or "public"
        status.interaction_policy = policies.for_quotes(author, status.visibility, quoters)
    if "attachment" in said:
        ids, changes = await _media(tx, author, status, object_["attachment"])
        draft = replace(draft, media_ids=ids)
        further = replace(further, media=changes, all_media=True)
    return draft, further


def _rewritten(status: Status, note: Note, object_: Document) -> tuple[bool, bool]:
    """Whether an Update says other words, as `content` and as `source`: apps that change one of
    them, or neither, send the other back as they read it."""
    written = not {"content", "contentMap"}.isdisjoint(object_)
    content = kinds.body(status.content, status.details)
    typed = note.source is not None and note.source.content != status.source
    return written and note.content != content, typed


async def _poll(
    tx: Transaction, status: Status, object_: Document, asked: Asked
) -> polls.DraftPoll | None:
    """The poll of a Question after an Update that says something of it; None, if it says what is
    so: apps send back what they read, also when the poll is over."""
    known = await tx.get_one(Poll, status.id)
    now = asked.easel.clock.now()
    before = outward.poll(known, now).document()
    if {"oneOf", "anyOf"} & object_.keys():
        before = {k: v for k, v in before.items() if k not in {"oneOf", "anyOf"}}
    if "endTime" in object_:  # a new end, for what has ended
        before.pop("closed", None)
    merged = submission.parsed({**before, **object_, "type": "Question"}).poll
    if merged is None:
        raise Invalid("A Question needs options: oneOf or anyOf.")
    titles = [option.name for option in merged.options]
    ends = merged.ends or known.ends_at
    if (
        titles == [option["title"] for option in known.options]
        and merged.multiple == known.multiple
        and (ends is None or known.ends_at is None or abs(ends - known.ends_at) < SAME_MOMENT)
    ):
        return None
    return replace(submission.poll(merged, now), hide_totals=known.hide_totals)


async def _media(
    tx: Transaction, author: Account, status: Status, attachments: Any
) -> tuple[list[int], tuple[edits.MediaChange, ...]]:
    """The pictures of a post after an Update, and what is said of them anew."""
    wishes, named = pictures.read(attachments)
    if wishes:
        raise Invalid("A picture can be asked for with a new post only.")
    query = select(MediaAttachment).where(MediaAttachment.status_id == status.id)
    attached = {medium.file: medium for medium in (await tx.exec(query)).all()}
    ids, changes = [], []
    for picture in named:
        medium = attached.get(media.key_of(tx.instance, picture.url))
        if medium is None:
            medium = await pictures.of_ours(tx, author, picture)
        ids.append(medium.id)
        changes.append(_change(medium.id, picture))
    return ids, tuple(changes)


def _change(media_id: int, picture: Named) -> edits.MediaChange:
    alt = picture.description
    description = None if alt is None else media.checked_description(alt)
    return edits.MediaChange(id=media_id, description=description, focus=picture.focus)


async def delete(asked: Asked) -> Done:
    """Take back a post of one's own, by its id or embedded; one that waits for its picture is not
    painted any more."""
    uri, author = asked.activity.object_id, asked.author
    if not uri:
        raise Invalid("Say what is to be deleted by its id.")
    if uri == author.uri:
        raise NotAllowed("An account is deleted on its own pages only.")
    async with asked.easel.database.write() as tx:
        status = await _own(tx, author, uri)
        activity_uri = activities.mint_uri(tx, author)
        if status is not None:
            auth.demand(asked.who, "write:statuses")
            [post] = await posts.assemble(tx, [status], author)
            to, cc = outward.audience(post)
            former, visibility = status.object_type, status.visibility
            await statuses.delete(tx, status, activity_uri=activity_uri)
        else:
            to_come = await pending.load(tx, author, uri)
            if to_come is None:
                return await extensions.delete(tx, asked, author, uri)
            auth.demand(asked.who, "write:statuses")
            await paintings.cancel(tx, await tx.get_one(Painting, to_come.painting.id))
            to, cc, former, visibility = [], [], to_come.post.status.object_type, "direct"
        done = made.delete(
            activity_uri, author.uri, uri, to=to, cc=cc, former_type=former, deleted=tx.now
        )
        return await keep(tx, author, done, visibility=visibility)
