"""People, and what they are to each other."""

from __future__ import annotations

from typing import Literal

from fedi.api.mastodon.entities.base import UNSET, Day, Entity, Id, Moment, Omitted

Visibility = Literal["public", "unlisted", "private", "direct"]
Quoters = Literal["public", "followers", "nobody"]


class CustomEmoji(Entity, kw_only=True):
    shortcode: str
    url: str
    static_url: str
    visible_in_picker: bool = True
    category: str | None = None


class Field(Entity, kw_only=True):
    name: str
    value: str
    verified_at: Moment | None = None


class AccountRole(Entity, kw_only=True):
    id: Id
    name: str
    color: str = ""


class Role(Entity, kw_only=True):
    """What an account may do here; `permissions` is a number of bits, as text."""

    id: Id
    name: str
    color: str = ""
    permissions: str
    highlighted: bool


class Account(Entity, kw_only=True):
    id: Id
    username: str
    acct: str
    display_name: str
    locked: bool
    bot: bool
    discoverable: bool
    indexable: bool
    group: bool
    created_at: Moment
    note: str
    url: str
    uri: str
    avatar: str
    avatar_static: str
    avatar_description: str
    header: str
    header_static: str
    header_description: str
    followers_count: int
    following_count: int
    statuses_count: int
    last_status_at: Day | None
    hide_collections: bool
    noindex: bool | Omitted = UNSET
    emojis: list[CustomEmoji]
    roles: list[AccountRole] | Omitted = UNSET
    fields: list[Field]
    moved: Account | Omitted = UNSET
    suspended: bool | Omitted = UNSET
    limited: bool | Omitted = UNSET


class Source(Entity, kw_only=True):
    """What somebody wrote of themselves, and how they usually post."""

    privacy: Visibility
    sensitive: bool
    language: str | None
    note: str
    fields: list[Field]
    follow_requests_count: int
    hide_collections: bool
    discoverable: bool
    indexable: bool
    attribution_domains: list[str]
    quote_policy: Quoters


class CredentialAccount(Account, kw_only=True):
    source: Source
    role: Role


class MutedAccount(Account, kw_only=True):
    mute_expires_at: Moment | None


class PartialAccount(Entity, kw_only=True):
    """Enough of an account to show its face."""

    id: Id
    acct: str
    locked: bool
    bot: bool
    url: str
    avatar: str
    avatar_static: str
    avatar_description: str


class Relationship(Entity, kw_only=True):
    id: Id
    following: bool
    showing_reblogs: bool
    notifying: bool
    languages: list[str] | None
    followed_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    muting_expires_at: Moment | None
    requested: bool
    requested_by: bool
    domain_blocking: bool
    endorsed: bool
    note: str


class FamiliarFollowers(Entity, kw_only=True):
    id: Id
    accounts: list[Account]


class Suggestion(Entity, kw_only=True):
    account: Account
    source: str
    sources: list[
        Literal[
            "featured",
            "most_followed",
            "most_interactions",
            "similar_to_recently_followed",
            "friends_of_friends",
        ]
    ]


class FeaturedTag(Entity, kw_only=True):
    id: Id
    name: str
    url: str
    statuses_count: str
    last_status_at: Day | None


class Profile(Entity, kw_only=True):
    id: Id
    display_name: str
    note: str
    fields: list[Field]
    avatar: str | None
    avatar_static: str | None
    avatar_description: str
    header: str | None
    header_static: str | None
    header_description: str
    locked: bool
    bot: bool
    hide_collections: bool
    discoverable: bool
    indexable: bool
    show_media: bool
    show_media_replies: bool
    show_featured: bool
    attribution_domains: list[str]
