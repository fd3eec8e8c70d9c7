"""What people post, and what hangs on it."""

from __future__ import annotations

from typing import Literal

from fedi.api.mastodon.entities.accounts import Account, CustomEmoji, Visibility
from fedi.api.mastodon.entities.base import UNSET, Entity, Id, Moment, Omitted

MediaType = Literal["unknown", "image", "gifv", "video", "audio"]
FilterContext = Literal["home", "notifications", "public", "thread", "account"]
Automatic = Literal["public", "followers", "following", "unsupported_policy"]


class Dimensions(Entity, kw_only=True):
    """In pixels; `size` is both, such as `640x480`."""

    width: int
    height: int
    size: str
    aspect: float


class Focus(Entity, kw_only=True):
    """What must stay in sight when it is cropped: -1 to 1 from the left and from the bottom."""

    x: float
    y: float


class MediaMeta(Entity, kw_only=True):
    original: Dimensions | Omitted = UNSET
    small: Dimensions | Omitted = UNSET
    focus: Focus | Omitted = UNSET


class MediaAttachment(Entity, kw_only=True):
    id: Id
    type: MediaType
    url: str | None
    preview_url: str | None
    remote_url: str | None
    preview_remote_url: str | None = None
    text_url: str | None = None
    meta: MediaMeta
    description: str | None
    blurhash: str | None


class StatusMention(Entity, kw_only=True):
    id: Id
    username: str
    url: str
    acct: str


class StatusTag(Entity, kw_only=True):
    name: str
    url: str


class TagHistory(Entity, kw_only=True):
    """One day: midnight as a Unix time, and two numbers, all as text."""

    day: str
    uses: str
    accounts: str


class Tag(Entity, kw_only=True):
    id: Id
    name: str
    url: str
    history: list[TagHistory]
    following: bool | Omitted = UNSET
    featuring: bool | Omitted = UNSET


class PollOption(Entity, kw_only=True):
    title: str
    votes_count: int | None


class Poll(Entity, kw_only=True):
    id: Id
    expires_at: Moment | None
    expired: bool
    multiple: bool
    votes_count: int
    voters_count: int | None
    options: list[PollOption]
    emojis: list[CustomEmoji]
    voted: bool | Omitted = UNSET
    own_votes: list[int] | Omitted = UNSET


class PreviewCardAuthor(Entity, kw_only=True):
    name: str
    url: str
    account: Account | None


class PreviewCard(Entity, kw_only=True):
    url: str
    title: str
    description: str
    language: str | None = None
    type: Literal["link", "photo", "video", "rich"]
    author_name: str
    author_url: str
    authors: list[PreviewCardAuthor]
    provider_name: str
    provider_url: str
    html: str
    width: int
    height: int
    image: str | None
    image_description: str = ""
    embed_url: str
    blurhash: str | None
    published_at: Moment | None


class TrendsLink(PreviewCard, kw_only=True):
    history: list[TagHistory]


class FilterKeyword(Entity, kw_only=True):
    id: Id
    keyword: str
    whole_word: bool


class FilterStatus(Entity, kw_only=True):
    id: Id
    status_id: Id


class Filter(Entity, kw_only=True):
    id: Id
    title: str
    context: list[FilterContext]
    expires_at: Moment | None
    filter_action: Literal["warn", "hide", "blur"]
    keywords: list[FilterKeyword] | Omitted = UNSET
    statuses: list[FilterStatus] | Omitted = UNSET


class V1Filter(Entity, kw_only=True):
    id: Id
    phrase: str
    context: list[FilterContext]
    whole_word: bool
    expires_at: Moment | None
    irreversible: bool


class FilterResult(Entity, kw_only=True):
    filter: Filter
    keyword_matches: list[str] | None
    status_matches: list[Id] | None


class QuoteApproval(Entity, kw_only=True):
    """Who may quote a post, and whether the viewer may."""

    automatic: list[Automatic]
    manual: list[Automatic]
    current_user: Literal["automatic", "manual", "denied", "unknown"]


QuoteState = Literal[
    "pending",
    "accepted",
    "rejected",
    "revoked",
    "deleted",
    "unauthorized",
    "blocked_account",
    "blocked_domain",
    "muted_account",
]


class Quote(Entity, kw_only=True):
    """What a status quotes; inside another quote only its id, as Mastodon's `ShallowQuote`."""

    state: QuoteState
    quoted_status: Status | Omitted | None = UNSET
    quoted_status_id: Id | Omitted | None = UNSET


class StatusApplication(Entity, kw_only=True):
    name: str
    website: str | None


class StatusBody(Entity, kw_only=True):
    """What a status is to everybody, whoever looks."""

    id: Id
    created_at: Moment
    in_reply_to_id: Id | None
    in_reply_to_account_id: Id | None
    sensitive: bool
    spoiler_text: str
    visibility: Visibility
    language: str | None
    uri: str
    url: str | None
    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int
    edited_at: Moment | None
    content: str
    application: StatusApplication | None = None
    account: Account
    media_attachments: list[MediaAttachment]
    mentions: list[StatusMention]
    tags: list[StatusTag]
    emojis: list[CustomEmoji]
    card: PreviewCard | None = None


class Status(StatusBody, kw_only=True):
    """A status as one viewer sees it."""

    reblog: Status | None = None
    poll: Poll | None = None
    quote: Quote | None = None
    quote_approval: QuoteApproval
    favourited: bool | Omitted = UNSET
    reblogged: bool | Omitted = UNSET
    muted: bool | Omitted = UNSET
    bookmarked: bool | Omitted = UNSET
    pinned: bool | Omitted = UNSET
    filtered: list[FilterResult] | Omitted = UNSET
    text: str | Omitted = UNSET  # what its author wrote, told once when it is deleted


class Context(Entity, kw_only=True):
    ancestors: list[Status]
    descendants: list[Status]


class EditedOption(Entity, kw_only=True):
    title: str


class EditedPoll(Entity, kw_only=True):
    options: list[EditedOption]


class StatusEdit(Entity, kw_only=True):
    content: str
    spoiler_text: str
    sensitive: bool
    created_at: Moment
    account: Account
    poll: EditedPoll | Omitted = UNSET
    media_attachments: list[MediaAttachment]
    emojis: list[CustomEmoji]
    quote: Quote | None = None


class StatusSource(Entity, kw_only=True):
    id: Id
    text: str
    spoiler_text: str


class ScheduledPoll(Entity, kw_only=True):
    options: list[str]
    expires_in: int
    multiple: bool
    hide_totals: bool


class ScheduledParams(Entity, kw_only=True):
    text: str
    poll: ScheduledPoll | None
    media_ids: list[Id] | None
    sensitive: bool | None
    spoiler_text: str | None
    visibility: Visibility
    in_reply_to_id: int | None
    language: str | None
    application_id: int
    scheduled_at: Moment | None
    idempotency: str | None
    with_rate_limit: bool
    quoted_status_id: Id | None
    quote_approval_policy: Literal["public", "followers", "nobody"] | Omitted = UNSET


class ScheduledStatus(Entity, kw_only=True):
    id: Id
    scheduled_at: Moment
    params: ScheduledParams
    media_attachments: list[MediaAttachment]


class Search(Entity, kw_only=True):
    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[Tag]


class UserList(Entity, kw_only=True):
    """Mastodon's `List`."""

    id: Id
    title: str
    replies_policy: Literal["followed", "list", "none"]
    exclusive: bool


class Conversation(Entity, kw_only=True):
    id: Id
    unread: bool
    accounts: list[Account]
    last_status: Status | None
