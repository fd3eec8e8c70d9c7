"""Posts. There is one way to publish (`publish`) and one way to load (`visible_to`).

What other servers post comes in by `receive`, and is distributed by the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from sqlalchemy import case, literal, or_, update
from sqlalchemy import delete as delete_rows
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import (
    Account,
    Favourite,
    MediaAttachment,
    Mention,
    Notification,
    Pin,
    Status,
    StatusTag,
    Tag,
)
from fedi.events import Event
from fedi.social import accounts, text, timelines
from fedi.social.errors import Invalid, NotFound
from fedi.social.notifications import notify
from fedi.social.outbound import tell
from fedi.social.visibility import SHOWN_TO_ALL, visible_to

__all__ = [
    "SHOWN_TO_ALL",
    "VISIBILITIES",
    "Draft",
    "Received",
    "ReceivedMedia",
    "announce_event",
    "delete",
    "edit",
    "load",
    "load_by_uri",
    "mint_uri",
    "publish",
    "receive",
    "remember_deleted",
    "update_received",
    "visible_to",
]

VISIBILITIES = ("public", "unlisted", "private", "direct")
MAX_MEDIA = 4  # Mastodon 4.6 shows no more
MAX_SPOILER = 500
MAX_RECEIVED_MEDIA = 16  # Mastodon keeps 4; Pixelfed sends up to 20 in an album
AI_LABEL = "AIgenerated"  # the hashtag that readers' filters work on
PAINTED = "trainedAlgorithmicMedia"  # the end of IPTC's digital source types that mean AI
EDITED = "compositeWithTrainedAlgorithmicMedia"


class Draft(Struct, frozen=True, kw_only=True):
    """A post as its author means it. JSON-able: a painting keeps one until it is done.

    Attributes:
        text: what the author typed; links, mentions and hashtags are found in it.
        markdown: read emphasis, code, quotes, lists and links in `text`.
        content_html: HTML instead of text, from apps that write it; sanitised here.
        spoiler_text: a content warning.
        visibility: public, unlisted, private (followers) or direct.
        in_reply_to_id: what it answers; the author must be able to see it.
        media_ids: up to four pictures of the author's that no post has yet.
        recipients: ids of accounts that are addressed, named in the text or not.
        blind: ids of accounts that are addressed without anybody else being told.
        based_on_uri: the post whose picture was remixed.
        created_at: when it was published; now without it.
    """

    text: str = ""
    markdown: bool = False
    content_html: str | None = None
    spoiler_text: str = ""
    sensitive: bool = False
    visibility: str = "public"
    language: str | None = None
    in_reply_to_id: int | None = None
    media_ids: list[int] = field(default_factory=list)
    recipients: list[int] = field(default_factory=list)
    blind: list[int] = field(default_factory=list)
    based_on_uri: str | None = None


class ReceivedMedia(Struct, frozen=True, kw_only=True):
    """A picture of a post from elsewhere, as its author's server describes it."""

    remote_url: str
    type: str = "image"
    media_type: str = ""
    description: str = ""
    width: int | None = None
    height: int | None = None
    size: int | None = None
    blurhash: str | None = None
    focus_x: float | None = None
    focus_y: float | None = None
    digest: str | None = None
    digital_source_type: str | None = None
    ai_system: str = ""
    ai_system_version: str = ""
    ai_prompt: str = ""


class Received(Struct, frozen=True, kw_only=True):
    """A post from elsewhere; its origin has been checked, its HTML has not been sanitised."""

    uri: str
    url: str = ""
    object_type: str = "Note"
    content: str = ""
    source: str = ""
    spoiler_text: str = ""
    sensitive: bool = False
    visibility: str = "public"
    language: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    in_reply_to_uri: str | None = None
    mentions: tuple[int, ...] = ()  # accounts that are named
    silent_mentions: tuple[int, ...] = ()  # accounts that are addressed and not named
    tags: tuple[str, ...] = ()
    media: tuple[ReceivedMedia, ...] = ()
    emojis: tuple[dict[str, str], ...] = ()
    audience: dict[str, list[str]] = field(default_factory=dict)
    ai: str = "undeclared"
    generator: str = ""
    based_on_uri: str | None = None


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
        uri: the post's id, if it was minted before (`mint_uri`).

    Raises:
        Invalid: it is empty, too long, or has pictures that are not the author's to post.
        NotFound: what it answers is not there, or not for the author to see.
    """
    assert author.local
    if draft.visibility not in VISIBILITIES:
        raise Invalid(f"The visibility is one of {', '.join(VISIBILITIES)}.")
    parent = await _parent(tx, author, draft.in_reply_to_id)
    media = await _own_media(tx, author, draft.media_ids)
    words = await _words(tx, draft, media)
    now = tx.now
    status_id = tx.new_id()
    status = Status(
        id=status_id,
        uri=uri or f"{author.uri}/statuses/{status_id}",
        url=f"{author.url}/{status_id}",
        account_id=author.id,
        local=True,
        in_reply_to_uri=parent.uri if parent else None,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_account_id=parent.account_id if parent else None,
        visibility=draft.visibility,
        content=words.html,
        source=draft.text or text.plain(words.html),
        spoiler_text=draft.spoiler_text,
        sensitive=draft.sensitive or bool(draft.spoiler_text),
        language=draft.language,
        ai=_label(media),
        generator=next((medium.ai_system for medium in media if medium.ai_system), ""),
        based_on_uri=draft.based_on_uri,
        created_at=now,
    )
    tx.add(status)
    await tx.flush()
    for position, medium in enumerate(media):
        medium.status_id, medium.position = status.id, position
        tx.add(medium)
    await _set_tags(tx, status, words.tags)
    named = await accounts.by_handles(tx, words.mentions)
    mentions = {account.id: account for account in named.values()}
    silent = await _recipients(tx, draft.recipients, mentions)
    known = {**mentions, **{account.id: account for account in silent}}
    blind = await _recipients(tx, draft.blind, known)
    await _set_mentions(tx, status, mentions, silent, blind)
    await _spread(tx, status, author, [*known.values(), *blind])
    await tell(tx, "create", status_id=status.id)
    return status


async def edit(tx: Transaction, author: Account, status: Status, draft: Draft) -> Status:
    """Change a post. Its visibility, and what it answers, stay.

    Args:
        author: whose post it is.
        status: which.
        draft: all of what it now is; without `media_ids` the pictures stay.

    Raises:
        NotFound: it is not theirs, or gone.
        Invalid: as for `publish`.
    """
    if status.account_id != author.id or status.deleted_at is not None or status.reblog_of_id:
        raise NotFound("There is no such post.")
    attached = await _media_of(tx, status.id)
    media = attached
    if draft.media_ids:
        kept = [medium for medium in attached if medium.id in draft.media_ids]
        fresh = [n for n in draft.media_ids if n not in {medium.id for medium in kept}]
        media = [*kept, *await _own_media(tx, author, fresh)]
        media.sort(key=lambda medium: draft.media_ids.index(medium.id))
        for medium in attached:
            if medium not in media:
                medium.status_id = None
                tx.add(medium)
    words = await _words(tx, draft, media)
    status.content = words.html
    status.source = draft.text or text.plain(words.html)
    status.spoiler_text = draft.spoiler_text
    status.sensitive = draft.sensitive or bool(draft.spoiler_text)
    status.language = draft.language or status.language
    status.ai = _label(media)
    status.edited_at = tx.now
    tx.add(status)
    for position, medium in enumerate(media):
        medium.status_id, medium.position = status.id, position
        tx.add(medium)
    await tx.execute(delete_rows(StatusTag).where(col(StatusTag.status_id) == status.id))
    await _set_tags(tx, status, words.tags)
    named = await accounts.by_handles(tx, words.mentions)
    mentions = {account.id: account for account in named.values()}
    await _set_mentions(tx, status, mentions, [])
    for account in mentions.values():
        await notify(tx, account, author, "mention", status.id)
    await _notify_of_edit(tx, status, author)
    await tell(tx, "update", status_id=status.id)
    announce_event(tx, status, "update")
    return status


async def delete(tx: Transaction, status: Status) -> None:
    """Take a post (or a boost) back: a tombstone stays, its pictures go.

    For local posts the world is told.
    """
    if status.deleted_at is not None:
        return
    author = await tx.get(Account, status.account_id)
    assert author is not None
    await timelines.withdraw(tx, status.id)
    await tx.execute(delete_rows(Notification).where(col(Notification.status_id) == status.id))
    if status.reblog_of_id is not None:
        await _count(tx, status.reblog_of_id, "reblogs_count", -1)
        await _forget_boost_notice(tx, status, author)
        await _bury(tx, status)
        if status.local:
            await tell(tx, "undo_announce", status_id=status.id)
    else:
        await _empty(tx, status)
        if status.in_reply_to_id is not None:
            await _count(tx, status.in_reply_to_id, "replies_count", -1)
        statuses = col(Account.statuses_count) - 1
        await tx.execute(
            update(Account)
            .where(col(Account.id) == author.id)
            .values(statuses_count=case((statuses < 0, literal(0)), else_=statuses))
        )
        if status.local:
            await tell(tx, "delete", status_id=status.id)
    announce_event(tx, status, "delete")


async def receive(tx: Transaction, author: Account, received: Received) -> Status | None:
    """A post from elsewhere: stored and spread once, however often it comes.

    Args:
        author: the remote account that wrote it.
        received: what it says.

    Returns:
        The status; the one that was there, if it came before; None if it is dead.
    """
    existing = (await tx.exec(select(Status).where(Status.uri == received.uri))).first()
    if existing is not None:
        return existing if existing.deleted_at is None else None
    parent = await _by_uri(tx, received.in_reply_to_uri)
    status = Status(
        id=tx.new_id(),
        uri=received.uri,
        account_id=author.id,
        local=False,
        in_reply_to_uri=received.in_reply_to_uri,
        in_reply_to_id=parent.id if parent else None,
        in_reply_to_account_id=parent.account_id if parent else None,
        visibility=received.visibility,
        created_at=min(received.published or tx.now, tx.now),
        fetched_at=tx.now,
    )
    _fill(status, received)
    tx.add(status)
    await tx.flush()
    _add_received_media(tx, status, received.media)
    await _set_tags(tx, status, received.tags)
    named = await _accounts(tx, received.mentions)
    silent = [
        account
        for account in (await _accounts(tx, received.silent_mentions)).values()
        if account.id not in named
    ]
    await _set_mentions(tx, status, named, silent)
    await _adopt_orphans(tx, status)
    await _spread(tx, status, author, [*named.values(), *silent])
    return status


async def update_received(tx: Transaction, status: Status, received: Received) -> Status:
    """A post from elsewhere has changed; who may see it has not."""
    changed = status.content != text.sanitise(received.content)
    _fill(status, received)
    status.fetched_at = tx.now
    if received.updated is not None or changed:
        status.edited_at = min(received.updated or tx.now, tx.now)
    tx.add(status)
    await tx.execute(
        delete_rows(MediaAttachment).where(col(MediaAttachment.status_id) == status.id)
    )
    _add_received_media(tx, status, received.media)
    await tx.execute(delete_rows(StatusTag).where(col(StatusTag.status_id) == status.id))
    await _set_tags(tx, status, received.tags)
    named = await _accounts(tx, received.mentions)
    await _set_mentions(tx, status, named, [])
    author = await tx.get(Account, status.account_id)
    assert author is not None
    for account in named.values():
        await notify(tx, account, author, "mention", status.id)
    await _notify_of_edit(tx, status, author)
    announce_event(tx, status, "update")
    return status


async def remember_deleted(tx: Transaction, author: Account, uri: str) -> None:
    """A post was deleted before it came: its id is dead from the start."""
    if (await tx.exec(select(Status.id).where(Status.uri == uri))).first() is None:
        tx.add(
            Status(
                id=tx.new_id(),
                uri=uri,
                account_id=author.id,
                visibility="direct",
                created_at=tx.now,
                deleted_at=tx.now,
            )
        )
        await tx.flush()


async def load(session: Session, viewer: Account | None, status_id: int) -> Status | None:
    """The status with this id, if the viewer may see it."""
    query = visible_to(viewer).where(col(Status.id) == status_id)
    return (await session.exec(query)).first()


async def load_by_uri(session: Session, viewer: Account | None, uri: str) -> Status | None:
    """The status with this ActivityPub id, if the viewer may see it."""
    query = visible_to(viewer).where(col(Status.uri) == uri)
    return (await session.exec(query)).first()


def announce_event(tx: Transaction, status: Status, kind: str) -> None:
    """Tell listeners what became of a status, once it is committed."""
    details = {"id": str(status.id), "visibility": status.visibility, "local": status.local}
    tx.emit(Event(f"account:{status.account_id}", kind, details))
    tx.emit(Event(f"status:{status.id}", kind, details))
    if status.visibility == "public":
        tx.emit(Event("public", kind, details))


async def _parent(tx: Transaction, author: Account, parent_id: int | None) -> Status | None:
    if parent_id is None:
        return None
    parent = await load(tx, author, parent_id)
    if parent is None:
        raise NotFound("What this answers is not there.")
    return parent


async def _own_media(
    tx: Transaction, author: Account, media_ids: Sequence[int]
) -> list[MediaAttachment]:
    if len(media_ids) > MAX_MEDIA:
        raise Invalid(f"A post has at most {MAX_MEDIA} pictures.")
    if not media_ids:
        return []
    rows = await tx.exec(
        select(MediaAttachment)
        .where(
            col(MediaAttachment.id).in_(media_ids),
            MediaAttachment.account_id == author.id,
            col(MediaAttachment.status_id).is_(None),
        )
        .with_for_update()
    )
    found = {medium.id: medium for medium in rows.all()}
    if len(found) != len(set(media_ids)):
        raise Invalid("A picture is not there, not yours, or posted already.")
    return [found[media_id] for media_id in dict.fromkeys(media_ids)]


async def _media_of(tx: Transaction, status_id: int) -> list[MediaAttachment]:
    rows = await tx.exec(
        select(MediaAttachment)
        .where(MediaAttachment.status_id == status_id)
        .order_by(col(MediaAttachment.position))
    )
    return list(rows.all())


def _label(media: Iterable[MediaAttachment]) -> str:
    """What a post's pictures are, by where each says it comes from."""
    kinds = {(medium.digital_source_type or "").rpartition("/")[2] for medium in media}
    if PAINTED in kinds:
        return "generated"
    if EDITED in kinds:
        return "edited"
    return "undeclared"


async def _words(tx: Transaction, draft: Draft, media: Sequence[MediaAttachment]) -> text.Rendered:
    """The HTML of a draft with its mentions and hashtags, and the label if it needs one."""
    typed = text.clean(draft.text).strip()
    if len(typed) > text.MAX_TEXT:
        raise Invalid(f"A post has at most {text.MAX_TEXT} characters.")
    if len(draft.spoiler_text) > MAX_SPOILER:
        raise Invalid(f"A content warning has at most {MAX_SPOILER} characters.")
    if draft.content_html is not None:
        words = text.Rendered(text.sanitise(draft.content_html))
        bare = text.plain(words.html)
        words.mentions, words.tags = text.handles(bare), text.hashtags(bare)
        if len(bare) > text.MAX_TEXT:
            raise Invalid(f"A post has at most {text.MAX_TEXT} characters.")
        typed = bare
    else:
        known = await accounts.by_handles(tx, text.handles(typed))
        named = {
            handle: text.Named(account.acct, account.url or account.uri)
            for handle, account in known.items()
        }
        words = text.render(typed, named, tx.instance.url, markdown=draft.markdown)
    if not typed and not media:
        raise Invalid("A post needs words or a picture.")
    if _label(media) != "undeclared" and text.normal_tag(AI_LABEL) not in map(
        text.normal_tag, words.tags
    ):
        words.html += f"<p>{text.hashtag_link(AI_LABEL, tx.instance.url)}</p>"
        words.tags.append(AI_LABEL)
    return words


async def _recipients(
    tx: Transaction, account_ids: Sequence[int], named: dict[int, Account]
) -> list[Account]:
    addressed = await _accounts(tx, account_ids)
    return [account for account in addressed.values() if account.id not in named]


async def _accounts(tx: Transaction, account_ids: Sequence[int]) -> dict[int, Account]:
    if not account_ids:
        return {}
    rows = await tx.exec(
        select(Account).where(
            col(Account.id).in_(account_ids[: text.MAX_MENTIONS]),
            col(Account.deleted_at).is_(None),
        )
    )
    return {account.id: account for account in rows.all()}


async def _by_uri(tx: Transaction, uri: str | None) -> Status | None:
    if uri is None:
        return None
    found = await tx.exec(select(Status).where(Status.uri == uri, col(Status.deleted_at).is_(None)))
    return found.first()


async def _set_tags(tx: Transaction, status: Status, tags: Iterable[str]) -> None:
    shown = {text.normal_tag(tag): tag for tag in reversed(list(tags)[: text.MAX_TAGS])}
    shown.pop("", None)
    if not shown:
        return
    insert = _insert(tx)
    await tx.execute(
        insert(Tag)
        .values(
            [{"id": tx.new_id(), "name": name, "display_name": tag} for name, tag in shown.items()]
        )
        .on_conflict_do_nothing(index_elements=["name"])
    )
    ids = select(literal(status.id), col(Tag.id)).where(col(Tag.name).in_(shown))
    await tx.execute(
        insert(StatusTag).from_select(["status_id", "tag_id"], ids).on_conflict_do_nothing()
    )


async def _set_mentions(
    tx: Transaction,
    status: Status,
    named: Iterable[int],
    silent: Sequence[Account],
    blind: Sequence[Account] = (),
) -> None:
    kinds = [(account_id, False, False) for account_id in named]
    kinds += [(account.id, True, False) for account in silent]
    kinds += [(account.id, True, True) for account in blind]
    rows = [
        {"status_id": status.id, "account_id": account_id, "silent": unnamed, "blind": hidden}
        for account_id, unnamed, hidden in kinds
    ]
    if rows:
        await tx.execute(_insert(tx)(Mention).values(rows).on_conflict_do_nothing())


def _insert(tx: Transaction) -> Any:
    return sqlite.insert if tx.get_bind().dialect.name == "sqlite" else postgresql.insert


async def _spread(
    tx: Transaction, status: Status, author: Account, addressed: Sequence[Account]
) -> None:
    """A new post goes into homes, into counts, and to those whom it names."""
    await tx.execute(
        update(Account)
        .where(col(Account.id) == author.id)
        .values(statuses_count=col(Account.statuses_count) + 1, last_status_at=tx.now)
    )
    if status.in_reply_to_id is not None:
        await _count(tx, status.in_reply_to_id, "replies_count", 1)
    await timelines.distribute(tx, status)
    for account in addressed:
        await notify(tx, account, author, "mention", status.id)
    announce_event(tx, status, "status")


async def _count(tx: Transaction, status_id: int, name: str, step: int) -> None:
    value = getattr(Status, name) + step
    await tx.execute(
        update(Status)
        .where(col(Status.id) == status_id)
        .values({name: case((value < 0, literal(0)), else_=value)})
    )


def _fill(status: Status, received: Received) -> None:
    """What an Update may change."""
    status.url = received.url or received.uri
    status.object_type = received.object_type
    status.content = text.sanitise(received.content)
    status.source = received.source
    status.spoiler_text = text.clean(received.spoiler_text)
    status.sensitive = received.sensitive
    status.language = received.language
    status.emojis = list(received.emojis)
    status.audience = received.audience
    status.ai = received.ai
    status.generator = received.generator
    status.based_on_uri = received.based_on_uri


def _add_received_media(tx: Transaction, status: Status, media: Sequence[ReceivedMedia]) -> None:
    for position, medium in enumerate(media[:MAX_RECEIVED_MEDIA]):
        values = {name: getattr(medium, name) for name in medium.__struct_fields__}
        tx.add(
            MediaAttachment(
                id=tx.new_id(),
                account_id=status.account_id,
                status_id=status.id,
                position=position,
                share_recipe=bool(medium.ai_prompt),
                created_at=tx.now,
                **values,
            )
        )


async def _adopt_orphans(tx: Transaction, status: Status) -> None:
    """Answers that came before what they answer."""
    result: Any = await tx.execute(
        update(Status)
        .where(col(Status.in_reply_to_uri) == status.uri, col(Status.in_reply_to_id).is_(None))
        .values(in_reply_to_id=status.id, in_reply_to_account_id=status.account_id)
        .execution_options(synchronize_session=False)
    )
    if result.rowcount:
        status.replies_count += result.rowcount
        tx.add(status)
        await tx.flush()


async def _notify_of_edit(tx: Transaction, status: Status, author: Account) -> None:
    """Those who boosted a post hear that it is not what it was."""
    rows = await tx.exec(
        select(Account)
        .join(Status, col(Status.account_id) == col(Account.id))
        .where(
            Status.reblog_of_id == status.id,
            col(Status.deleted_at).is_(None),
            col(Account.domain).is_(None),
        )
    )
    for account in rows.all():
        await notify(tx, account, author, "update", status.id)


async def _forget_boost_notice(tx: Transaction, boost: Status, booster: Account) -> None:
    await tx.execute(
        delete_rows(Notification).where(
            col(Notification.status_id) == boost.reblog_of_id,
            col(Notification.from_account_id) == booster.id,
            col(Notification.type) == "reblog",
        )
    )


async def _empty(tx: Transaction, status: Status) -> None:
    """Leave nothing of a post but its id: pictures, ties and boosts of it go, too."""
    boosts = select(Status.id).where(Status.reblog_of_id == status.id)
    for table in (Favourite, Pin):
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
    # Local files are the storage's to remove: a row without a post is what it looks for.
    await tx.execute(
        update(MediaAttachment)
        .where(col(MediaAttachment.status_id) == status.id, col(MediaAttachment.file).is_not(None))
        .values(status_id=None)
    )
    await tx.execute(
        delete_rows(MediaAttachment).where(col(MediaAttachment.status_id) == status.id)
    )
    status.content = status.source = status.spoiler_text = status.generator = ""
    status.emojis = []
    await _bury(tx, status)


async def _bury(tx: Transaction, status: Status) -> None:
    status.deleted_at = tx.now
    tx.add(status)
    await tx.flush()
