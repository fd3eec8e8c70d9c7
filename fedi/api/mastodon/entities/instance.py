"""What an instance says of itself, in the two forms that clients ask for."""

from __future__ import annotations

from typing import Literal

from fedi.api.mastodon.entities.accounts import Account
from fedi.api.mastodon.entities.base import UNSET, Day, Entity, Id, Moment, Omitted


class Rule(Entity, kw_only=True):
    id: Id
    text: str
    hint: str


class AccountLimits(Entity, kw_only=True):
    max_featured_tags: int
    max_pinned_statuses: int
    max_display_name_length: int
    max_note_length: int
    max_avatar_description_length: int
    max_header_description_length: int
    max_profile_fields: int
    profile_field_name_limit: int
    profile_field_value_limit: int


class StatusLimits(Entity, kw_only=True):
    max_characters: int
    max_media_attachments: int
    characters_reserved_per_url: int


class MediaLimits(Entity, kw_only=True):
    """In bytes, pixels, and frames per second."""

    supported_mime_types: list[str]
    description_limit: int
    image_size_limit: int
    image_matrix_limit: int
    video_size_limit: int
    video_frame_rate_limit: int
    video_matrix_limit: int


class PollLimits(Entity, kw_only=True):
    """Of the two expirations, in seconds."""

    max_options: int
    max_characters_per_option: int
    min_expiration: int
    max_expiration: int


class Configuration(Entity, kw_only=True):
    accounts: AccountLimits
    statuses: StatusLimits
    media_attachments: MediaLimits
    polls: PollLimits


class Addresses(Entity, kw_only=True):
    streaming: str
    about: str
    privacy_policy: str | None
    status: str | None = None
    terms_of_service: str | None = None


class Vapid(Entity, kw_only=True):
    public_key: str


class Translating(Entity, kw_only=True):
    enabled: bool


Access = Literal["public", "authenticated", "disabled"]


class Feeds(Entity, kw_only=True):
    local: Access
    remote: Access


class TimelinesAccess(Entity, kw_only=True):
    live_feeds: Feeds
    hashtag_feeds: Feeds
    trending_link_feeds: Feeds


class WholeConfiguration(Configuration, kw_only=True):
    """As the second form has it."""

    urls: Addresses
    vapid: Vapid | Omitted = UNSET
    translation: Translating
    timelines_access: TimelinesAccess
    limited_federation: bool


class Thumbnail(Entity, kw_only=True):
    url: str
    blurhash: str | Omitted = UNSET
    description: str | Omitted = UNSET


class InstanceIcon(Entity, kw_only=True):
    src: str
    size: str


class ActiveUsers(Entity, kw_only=True):
    active_month: int


class Usage(Entity, kw_only=True):
    users: ActiveUsers


class Registrations(Entity, kw_only=True):
    enabled: bool
    approval_required: bool
    reason_required: bool
    message: str | None = None
    min_age: int | None = None
    url: str | None = None


class Contact(Entity, kw_only=True):
    email: str
    account: Account | None


class ApiVersions(Entity, kw_only=True):
    """Features by number: 2 grouped notifications, 7 quotes, and so on."""

    mastodon: int


class Instance(Entity, kw_only=True):
    domain: str
    title: str
    version: str
    source_url: str
    description: str
    usage: Usage
    thumbnail: Thumbnail
    icon: list[InstanceIcon]
    languages: list[str]
    configuration: WholeConfiguration
    registrations: Registrations
    api_versions: ApiVersions
    contact: Contact
    rules: list[Rule]


class V1Stats(Entity, kw_only=True):
    user_count: int
    status_count: int
    domain_count: int


class V1Addresses(Entity, kw_only=True):
    streaming_api: str


class V1Instance(Entity, kw_only=True):
    uri: str
    title: str
    short_description: str
    description: str
    email: str
    version: str
    urls: V1Addresses
    stats: V1Stats
    thumbnail: str | None
    languages: list[str]
    registrations: bool
    approval_required: bool
    invites_enabled: bool
    configuration: Configuration
    contact_account: Account | None
    rules: list[Rule]


class ExtendedDescription(Entity, kw_only=True):
    content: str
    updated_at: Moment


class PrivacyPolicy(Entity, kw_only=True):
    content: str
    updated_at: Moment


class TermsOfService(Entity, kw_only=True):
    effective_date: Day
    effective: bool
    content: str
    succeeded_by: Day | None


class DomainBlock(Entity, kw_only=True):
    domain: str
    digest: str
    severity: Literal["silence", "suspend"]
    comment: str | Omitted = UNSET


class Activity(Entity, kw_only=True):
    """One week, all of it as text; `week` is a Unix time."""

    week: str
    statuses: str
    logins: str
    registrations: str


class Application(Entity, kw_only=True):
    id: Id
    name: str
    website: str | None
    scopes: list[str]
    redirect_uris: list[str]
    redirect_uri: str
    vapid_key: str


class CredentialApplication(Application, kw_only=True):
    client_id: str
    client_secret: str
    client_secret_expires_at: int


class Token(Entity, kw_only=True):
    access_token: str
    token_type: str
    scope: str
    created_at: int


class OEmbed(Entity, kw_only=True):
    """Mastodon's `OEmbedResponse`."""

    type: str
    version: str
    title: str
    author_name: str
    author_url: str
    provider_name: str
    provider_url: str
    cache_age: int
    html: str
    width: int
    height: None = None
    thumbnail_url: str | Omitted = UNSET
    thumbnail_width: int | Omitted = UNSET
    thumbnail_height: int | Omitted = UNSET


class Empty(Entity, kw_only=True):
    """`{}`: it is done."""


class Error(Entity, kw_only=True):
    error: str
    error_description: str | Omitted = UNSET
