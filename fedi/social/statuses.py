"""Posts. There is one way to publish (`publish`) and one way to load (`visible_to`).

What other servers post comes in by `receive`, and is spread by the same steps. Those who build on
this need no other module for posts: what is split off beside it can be had from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import CursorResult, or_, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import (
    Account,
    Bookmark,
    Favourite,
    MediaAttachment,
    Notification,
    Pin,
    Poll,
    PollVote,
    Quote,
    Reaction,
    Status,
    StatusEdit,
    StatusTag,
)
from fedi.social import (
    correspondence,
    credentials,
    drafts,
    edits,
    homes,
    labels,
    policies,
    polls,
    previews,
    quotes,
    quoting,
    remixes,
    spreading,
)
from fedi.social.accounts import check_stays
from fedi.social.attachments import ReceivedMedia
from fedi.social.batches import NewStatus, receive_all
from fedi.social.counts import count, count_answer, count_post
from fedi.social.drafts import MAX_MEDIA, MAX_SPOILER, VISIBILITIES, Draft
from fedi.social.edits import Further
from fedi.social.errors import NotAllowed, NotFound
from fedi.social.forgetting import drop_media, withdraw_media
from fedi.social.notifications import notify, notify_all, unask
from fedi.social.outbound import tell
from fedi.social.receiving import (
    BY_URI,
    Received,
    accounts_by_id,
    notify_boosters,
    receive,
    remember_deleted,
    update_received,
)
from fedi.social.spreading import announce_event
from fedi.social.training import choices
from fedi.social.visibility import SHOWN_TO_ALL, load, load_by_uri, load_many, seen_by, visible_to

__all__ = [
    "BY_URI",
    "MAX_MEDIA",
    "MAX_SPOILER",
    "SHOWN_TO_ALL",
    "VISIBILITIES",
    "Draft",
    "Further",
    "NewStatus",
    "Received",
    "ReceivedMedia",
    "announce_event",
    "check",
    "delete",
    "edit",
    "load",
    "load_by_uri",
    "load_many",
    "mint_uri",
    "publish",
    "receive",
    "receive_all",
    "remember_deleted",
    "seen_by",
    "set_quoters",
    "update_received",
    "visible_to",
]


def mint_uri(tx: Transaction, author: Account) -> str:
    """A fresh id for a post that is still to be published."""
    return f"{author.uri}/statuses/{tx.new_id()}"


async def publish(
    tx: Transaction, author: Account, draft: Draft, *, uri: str | None = None
) -> Status:
    """Publish a post: rows, homes, notices and the job that tells the world, all or nothing.

    Args:
        author: a local account.
        draft: what they mean.
        uri: the post's id, if it was minted before (`mint_uri`); published again under it, it is
            the post that is there.

    Raises:
        Invalid: it is empty, too long, or has pictures that are not the author's to post.
        NotFound: what it answers is not there, or not for the author to see.
        NotAllowed: the account may not act, or what it answers is not for them to answer.
    """
    assert author.local
    if uri is not None:
        known = (await tx.exec(select(Status).where(Status.uri == uri))).first()
        if known is not None:
            return known
    parent, leave, media = await check(tx, author, draft)
    quoted = await quoting.check(tx, author, draft.quoted_status_id, draft.visibility)
    based_on = await remixes.parent_uri(tx, draft.based_on_uri, media, draft.visibility)
    credit = None
    if based_on is not None:
        credit = await remixes.credit(tx, author, based_on, naming=draft.names_parent)
    words = await drafts.write(tx, draft, media, credit)
    status_id = tx.new_id()
    uri = uri or f"{author.uri}/statuses/{status_id}"
    status = Status(
        id=status_id,
        uri=uri,
        url=f"{author.url}/{status_id}",
        object_type="Question" if draft.poll is not None else draft.kind,
        account_id=author.id,
        local=True,
        in_reply_to_uri=parent.uri if parent else None,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_account_id=parent.account_id if parent else None,
        context_uri=parent.context_uri if parent else f"{uri}/context",
        visibility=draft.visibility,
        language=draft.language,
        based_on_uri=based_on,
        application_id=draft.application_id,
        approval="pending" if leave is policies.Leave.MANUAL else "",
        created_at=tx.now,
    )
    _fill(status, draft, words, media)
    status.preview_id = await previews.choose_one(tx, _linking(status, media))
    status.interaction_policy = policies.for_quotes(author, draft.visibility, draft.quoters)
    choices.say(tx, status, draft.training)
    await tx.flush()
    _attach(tx, status, media)
    if draft.poll is not None:
        await polls.create(tx, status, draft.poll)
    if quoted is not None:
        await quoting.quote(tx, author, status, quoted)
    await spreading.add_tags(tx, status, words.tags)
    silent = await _addressed(tx, draft.recipients)
    blind = await _addressed(tx, draft.blind)
    await spreading.set_mentions(tx, status, words.mentions, silent, blind)
    everybody = {account.id: account for account in (*words.mentions, *silent, *blind)}
    await spreading.spread(tx, status, author, list(everybody.values()))
    maker = remixes.told(credit, draft.visibility) if credit is not None else None
    if maker is not None and maker.id not in everybody:  # who is named has heard of it
        await notify(tx, maker, author, "remix", status.id)
    await choices.published(tx, author, status)
    await tell(tx, "create", status_id=status.id)
    return status


async def check(
    tx: Transaction, author: Account, draft: Draft
) -> tuple[Status | None, policies.Leave | None, list[MediaAttachment]]:
    """Refuse what `publish` refuses whatever the words are.

    Returns:
        What the draft answers, whether its author must agree to that, and the pictures.
    """
    reason = await credentials.hindrance(tx, author)
    if reason is not None:
        raise NotAllowed(reason)
    check_stays(author)
    drafts.check(draft)
    parent = await _parent(tx, author, draft.in_reply_to_id)
    leave = await policies.ask(tx, author, parent, "canReply") if parent else None
    return parent, leave, await drafts.own_media(tx, author, draft.media_ids)


async def edit(
    tx: Transaction,
    author: Account,
    status: Status,
    draft: Draft,
    further: Further | None = None,
    *,
    activity_uri: str | None = None,
) -> Status:
    """Change a post. Its visibility, its type, and what it answers, stay.

    Args:
        author: whose post it is.
        status: which.
        draft: all of what it now is; without `media_ids` the pictures stay.
        further: what is changed besides.
        activity_uri: the id of the Update, if it was minted before.

    Raises:
        NotFound: it is not theirs, or gone.
        Invalid: as for `publish`.
    """
    if status.account_id != author.id or status.deleted_at is not None or status.reblog_of_id:
        raise NotFound("There is no such post.")
    drafts.check(draft)
    await edits.keep(tx, status)
    further = further or Further()
    media = await edits.changed_media(tx, author, status, draft.media_ids, further)
    if further.polled:
        await polls.change(tx, status, draft.poll)
    based_on = status.based_on_uri
    credit = await remixes.credit(tx, author, based_on) if based_on is not None else None
    details = status.details if draft.details is None else draft.details
    draft = replace(draft, visibility=status.visibility, details=details)
    if further.same_words:
        words = await edits.same_words(tx, status, draft, media)
    else:
        words = await drafts.write(tx, draft, media, credit)
    _fill(status, draft, words, media)
    status.preview_id = await previews.choose_one(tx, _linking(status, media))
    status.language = draft.language or status.language
    status.edited_at = tx.now
    tx.add(status)
    _attach(tx, status, media)
    await tx.flush()
    await spreading.set_tags(tx, status, words.tags)
    if not further.same_words:
        await spreading.silence_mentions(tx, status)
        await spreading.set_mentions(tx, status, words.mentions)
        await notify_all(tx, words.mentions, author, "mention", status.id)
    await notify_boosters(tx, status, author)
    await quotes.tell_of_edit(tx, status, author)
    await tell(tx, "update", status_id=status.id, uri=activity_uri)
    announce_event(tx, status, "update")
    return status


async def set_quoters(tx: Transaction, author: Account, status: Status, quoters: str) -> None:
    """Say anew who may quote a post. That is no edit; other servers are told all the same.

    Raises:
        Invalid: nobody is called so.
    """
    status.interaction_policy = policies.for_quotes(author, status.visibility, quoters)
    tx.add(status)
    await tx.flush()
    await tell(tx, "update", status_id=status.id)
    announce_event(tx, status, "update")


async def delete(tx: Transaction, status: Status, *, activity_uri: str | None = None) -> None:
    """Take a post (or a boost) back: a tombstone stays, its pictures go.

    For local posts the world is told; `activity_uri` is the id of the Delete (or the Undo), if it
    was minted before.
    """
    if not await _bury(tx, status):
        return
    await homes.withdraw(tx, status.id)
    if status.reblog_of_id is not None:
        await count(tx, Status, status.reblog_of_id, {"reblogs_count": -1})
        await tx.execute(
            delete_rows(Notification).where(
                col(Notification.status_id) == status.reblog_of_id,
                col(Notification.from_account_id) == status.account_id,
                col(Notification.type) == "reblog",
            )
        )
        if status.local:
            await tell(tx, "undo_announce", status_id=status.id, uri=activity_uri)
    else:
        await unask(tx, status)
        await _empty(tx, status)
        if status.visibility == "direct":
            await correspondence.withdraw(tx, status)
        if not status.held:
            await count_answer(tx, status, -1)
        await count_post(tx, status, -1)
        if status.local:
            await tell(tx, "delete", status_id=status.id, uri=activity_uri)
    announce_event(tx, status, "delete")


async def _parent(tx: Transaction, author: Account, parent_id: int | None) -> Status | None:
    """What a post answers; of a boost, what was boosted."""
    if parent_id is None:
        return None
    parent = await load(tx, author, parent_id)
    if parent is not None and parent.reblog_of_id is not None:
        parent = await load(tx, author, parent.reblog_of_id)
    if parent is None:
        raise NotFound("What this answers is not there.")
    return parent


async def _addressed(tx: Transaction, account_ids: Sequence[int]) -> list[Account]:
    return list((await accounts_by_id(tx, account_ids)).values())


def _fill(
    status: Status, draft: Draft, words: drafts.Words, media: Sequence[MediaAttachment]
) -> None:
    """What an edit may change."""
    status.content = words.html
    status.source, status.source_type = words.source, words.source_type
    status.spoiler_text = words.spoiler_text
    status.emojis = words.emojis
    status.details = draft.details or None
    marked = any(medium.sensitive for medium in media)
    status.sensitive = draft.sensitive or bool(words.spoiler_text) or marked
    status.ai = labels.of_post(media, words.tags)
    status.generator = next((medium.ai_system for medium in media if medium.ai_system), "")


def _linking(status: Status, media: Sequence[MediaAttachment]) -> previews.Written:
    """What decides which page a post shows."""
    return previews.Written(
        content=status.content,
        visibility=status.visibility,
        local=True,
        pictured=bool(media),
        known=frozenset({status.based_on_uri}),
    )


def _attach(tx: Transaction, status: Status, media: Sequence[MediaAttachment]) -> None:
    for position, medium in enumerate(media):
        medium.status_id, medium.position = status.id, position
        tx.add(medium)


async def _empty(tx: Transaction, status: Status) -> None:
    """Leave nothing of a post but its id: pictures, ties and boosts of it go, too."""
    boosts = select(Status.id).where(Status.reblog_of_id == status.id)
    theirs = (col(MediaAttachment.status_id) == status.id) | await edits.taken_out(tx, status)
    ties: list[Any] = [Bookmark, Pin, Poll, Quote, StatusEdit]
    if not status.local:  # who did something to one of ours is still to be told that it is gone
        ties += [Favourite, PollVote, Reaction]
    for table in ties:
        await tx.execute(delete_rows(table).where(col(table.status_id) == status.id))
    await tx.execute(
        delete_rows(Notification).where(
            or_(
                col(Notification.status_id) == status.id,
                col(Notification.status_id).in_(boosts),
            )
        )
    )
    await tx.execute(delete_rows(StatusTag).where(col(StatusTag.status_id) == status.id))
    await tx.execute(
        update(Status)
        .where(col(Status.reblog_of_id) == status.id, col(Status.deleted_at).is_(None))
        .values(deleted_at=tx.now)
        .execution_options(synchronize_session=False)
    )
    await withdraw_media(tx, theirs)
    await drop_media(tx, col(MediaAttachment.status_id) == status.id)
    status.content = status.source = status.spoiler_text = status.generator = ""
    status.emojis, status.details = [], None
    status.preview_id = status.application_id = None
    tx.add(status)
    await tx.flush()


async def _bury(tx: Transaction, status: Status) -> bool:
    """Make a tombstone; False if it is one, or somebody else has just made it one."""
    if status.deleted_at is not None:
        return False
    buried = await tx.execute(
        update(Status)
        .where(col(Status.id) == status.id, col(Status.deleted_at).is_(None))
        .values(deleted_at=tx.now)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(buried, CursorResult)
    set_committed_value(status, "deleted_at", tx.now)
    return bool(buried.rowcount)
