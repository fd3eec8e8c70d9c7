"""What an author means to post, and the words that become of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct, field
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, MediaAttachment
from fedi.social import accounts, emojis, kinds, labels, polls, remixes, text
from fedi.social.errors import Invalid

VISIBILITIES = ("public", "unlisted", "private", "direct")
MAX_MEDIA = 4  # Mastodon 4.6 shows no more
MAX_BLIND = 250  # people whom a post does not name, most of them found in collections
MAX_SPOILER = 500
MAX_URI = 2048

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,5}")  # BCP 47, as far as it matters


class Draft(Struct, frozen=True, kw_only=True):
    """A post as its author means it. JSON-able: a painting keeps one until it is done.

    Attributes:
        text: what the author typed; links, mentions and hashtags are found in it.
        markdown: read emphasis, code, quotes, lists and links in `text`.
        content_html: HTML instead of text, from apps that write it; sanitised here.
        spoiler_text: a content warning.
        visibility: public, unlisted, private (followers) or direct.
        language: a BCP 47 tag.
        in_reply_to_id: what it answers; the author must be able to see it.
        media_ids: up to four pictures of the author's that no post has yet.
        recipients: ids of accounts that are addressed, named in the text or not.
        blind: ids of accounts that are addressed without anybody else being told.
        based_on_uri: the post whose picture was remixed.
        names_parent: whether the author of that post is named by the line that credits it.
        quoters: who may quote it: public, followers or nobody.
        poll: what it asks.
        quoted_status_id: what it quotes; the author must be able to see it.
        kind: its type, unless it asks something (`social.kinds`).
        details: what its type says besides; None in an edit: that stays.
        application_id: the app that posts it, if it is one.
        training: whether others may train on its pictures; None: as on all of the author's.
        verbatim: whether its words are posted as they are, even if they begin like those that ask
            for a picture.
        scheduled_at: of a post that waits for its picture: when it is published, if the picture is
            there by then; None: as soon as it is there.
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
    names_parent: bool = True
    quoters: str = "public"
    poll: polls.DraftPoll | None = None
    quoted_status_id: int | None = None
    kind: str = kinds.NOTE
    details: kinds.Details | None = None
    application_id: int | None = None
    training: bool | None = None
    verbatim: bool = False
    scheduled_at: datetime | None = None


class Words(Struct, frozen=True, kw_only=True):
    """The words of a post: safe HTML, its hashtags as written, whom it names, and its emoji."""

    html: str
    tags: list[str]
    mentions: list[Account]
    source: str
    source_type: str
    spoiler_text: str
    emojis: list[dict[str, str]] = field(default_factory=list)


def check_language(tag: str) -> None:
    """Refuse what is no language.

    Raises:
        Invalid: it is none.
    """
    if not _LANGUAGE.fullmatch(tag):
        raise Invalid("The language is a tag such as en or pt-BR.")


def check(draft: Draft) -> None:
    """Refuse what cannot be posted whatever the words are.

    Raises:
        Invalid: with the reason.
    """
    if draft.visibility not in VISIBILITIES:
        raise Invalid(f"The visibility is one of {', '.join(VISIBILITIES)}.")
    if draft.language:
        check_language(draft.language)
    if len(draft.recipients) > text.MAX_MENTIONS or len(draft.blind) > MAX_BLIND:
        raise Invalid(f"A post is addressed to at most {text.MAX_MENTIONS} people.")
    if draft.based_on_uri is not None and not _web_address(draft.based_on_uri):
        raise Invalid("What a picture is based on is named by its address.")
    if draft.poll is not None:
        polls.check(draft.poll)
    kinds.check(draft.kind, draft.details or {})


def _web_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return len(uri) <= MAX_URI and parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


async def write(
    session: Session,
    draft: Draft,
    media: Sequence[MediaAttachment],
    credit: remixes.Credit | None = None,
) -> Words:
    """The words of a draft with its mentions and hashtags, and the label if it needs one.

    Args:
        draft: what its author means.
        media: its pictures.
        credit: what it is a remix of; who is elsewhere is told by being named.

    Raises:
        Invalid: there are none, or too many.
    """
    spoiler = warning(draft)
    if draft.content_html is not None:
        html, tags, mentions, source = await _from_html(session, draft.content_html)
    else:
        html, tags, mentions, source = await _from_text(session, draft)
    if len(source) > text.MAX_TEXT:
        raise Invalid(f"A post has at most {text.MAX_TEXT} characters.")
    if not source and not media and not kinds.title(draft.details):
        raise Invalid("A post needs words or a picture.")
    html = f"{kinds.heading(draft.details)}{html}{kinds.footing(draft.details)}"
    if credit is not None:
        html += credit.html
        maker = remixes.told(credit, draft.visibility) if credit.names_author else None
        if maker is not None and maker.id not in {m.id for m in mentions}:
            mentions.append(maker)
    if labels.needs_hashtag(media) and not _has_tag(tags, labels.AI_LABEL):
        html += f"<p>{text.hashtag_link(labels.AI_LABEL, session.instance.url)}</p>"
        tags.append(labels.AI_LABEL)
    marked = draft.markdown and draft.content_html is None
    return Words(
        html=html,
        tags=tags,
        mentions=mentions,
        source=source,
        source_type=text.MARKDOWN if marked else text.PLAIN,
        spoiler_text=spoiler,
        emojis=await emojis.used(session, spoiler, source),
    )


def warning(draft: Draft) -> str:
    """The content warning of a draft, as it is kept.

    Raises:
        Invalid: it is too long.
    """
    spoiler = text.clean(draft.spoiler_text).strip()
    if len(spoiler) > MAX_SPOILER:
        raise Invalid(f"A content warning has at most {MAX_SPOILER} characters.")
    return spoiler


def _has_tag(tags: Iterable[str], tag: str) -> bool:
    return text.normal_tag(tag) in map(text.normal_tag, tags)


async def _from_text(session: Session, draft: Draft) -> tuple[str, list[str], list[Account], str]:
    typed = text.clean(draft.text).strip()
    if len(typed) > text.MAX_TEXT:
        return "", [], [], typed
    known = await accounts.by_handles(session, text.handles(typed))
    named = {
        handle: text.Named(account.acct, account.url or account.uri)
        for handle, account in known.items()
    }
    rendered = text.render(typed, named, session.instance.url, markdown=draft.markdown)
    mentioned = {known[handle].id: known[handle] for handle in rendered.mentions}
    return rendered.html, rendered.tags, list(mentioned.values()), typed


async def _from_html(session: Session, markup: str) -> tuple[str, list[str], list[Account], str]:
    """People are named by links to them, as Mastodon writes them, or by plain handles."""
    html = text.sanitise(markup)
    linked, rest = text.mention_links(html)
    found = await accounts.by_addresses(session, linked)
    known = await accounts.by_handles(session, text.handles(rest))
    mentioned = {account.id: account for account in (*found, *known.values())}
    words = text.plain(html)
    return html, text.hashtags(words), list(mentioned.values()), words


async def own_media(
    tx: Transaction, author: Account, media_ids: Sequence[int]
) -> list[MediaAttachment]:
    """An author's pictures that no post has yet, in the order asked for.

    Raises:
        Invalid: they are too many, not there, somebody else's, or posted already.
    """
    wanted = list(dict.fromkeys(media_ids))
    check_media_count(wanted)
    if not wanted:
        return []
    rows = await tx.exec(
        select(MediaAttachment)
        .where(
            col(MediaAttachment.id).in_(wanted),
            MediaAttachment.account_id == author.id,
            col(MediaAttachment.status_id).is_(None),
        )
        .with_for_update()
    )
    found = {medium.id: medium for medium in rows.all()}
    if len(found) != len(wanted):
        raise Invalid("A picture is not there, not yours, or posted already.")
    return [found[media_id] for media_id in wanted]


def check_media_count(media_ids: Sequence[int]) -> None:
    """Refuse more pictures than a post can have.

    Raises:
        Invalid: they are too many.
    """
    if len(media_ids) > MAX_MEDIA:
        raise Invalid(f"A post has at most {MAX_MEDIA} pictures.")
