"""What somebody is told, and by which ways."""

from __future__ import annotations

from typing import Literal

import msgspec

from fedi.api.mastodon.entities.accounts import (
    Account,
    CustomEmoji,
    PartialAccount,
    Visibility,
)
from fedi.api.mastodon.entities.base import UNSET, Entity, Id, Moment, Omitted
from fedi.api.mastodon.entities.statuses import Status, StatusTag

NotificationType = Literal[
    "mention",
    "status",
    "reblog",
    "follow",
    "follow_request",
    "favourite",
    "poll",
    "update",
    "admin.sign_up",
    "admin.report",
    "severed_relationships",
    "moderation_warning",
    "quote",
    "quoted_update",
]
ReportCategory = Literal["spam", "legal", "violation", "other"]


class Report(Entity, kw_only=True):
    id: Id
    action_taken: bool
    action_taken_at: Moment | None
    category: ReportCategory
    comment: str
    forwarded: bool
    created_at: Moment
    status_ids: list[Id] | None
    rule_ids: list[Id] | None
    target_account: Account


class SeveranceEvent(Entity, kw_only=True):
    """Mastodon's `RelationshipSeveranceEvent`."""

    id: Id
    type: Literal["domain_block", "user_domain_block", "account_suspension"]
    purged: bool
    target_name: str
    followers_count: int
    following_count: int
    created_at: Moment


class Appeal(Entity, kw_only=True):
    text: str
    state: Literal["approved", "rejected", "pending"]


class AccountWarning(Entity, kw_only=True):
    id: Id
    action: Literal[
        "none",
        "disable",
        "mark_statuses_as_sensitive",
        "delete_statuses",
        "sensitive",
        "silence",
        "suspend",
    ]
    text: str
    status_ids: list[Id] | None
    target_account: Account
    appeal: Appeal | None
    created_at: Moment


class Notification(Entity, kw_only=True):
    id: Id
    type: NotificationType
    created_at: Moment
    group_key: str
    account: Account
    status: Status | Omitted = UNSET
    report: Report | Omitted = UNSET
    event: SeveranceEvent | Omitted = UNSET
    moderation_warning: AccountWarning | Omitted = UNSET


class NotificationGroup(Entity, kw_only=True):
    group_key: str
    notifications_count: int
    type: NotificationType
    most_recent_notification_id: int
    page_min_id: Id | Omitted = UNSET
    page_max_id: Id | Omitted = UNSET
    latest_page_notification_at: Moment | Omitted = UNSET
    sample_account_ids: list[Id]
    status_id: Id | Omitted = UNSET
    report: Report | Omitted = UNSET
    event: SeveranceEvent | Omitted = UNSET
    moderation_warning: AccountWarning | Omitted = UNSET


class GroupedNotifications(Entity, kw_only=True):
    """Mastodon's `GroupedNotificationsResults`."""

    accounts: list[Account]
    partial_accounts: list[PartialAccount] | Omitted = UNSET
    statuses: list[Status]
    notification_groups: list[NotificationGroup]


class PolicySummary(Entity, kw_only=True):
    pending_requests_count: int
    pending_notifications_count: int


Handling = Literal["accept", "filter", "drop"]


class NotificationPolicy(Entity, kw_only=True):
    for_not_following: Handling
    for_not_followers: Handling
    for_new_accounts: Handling
    for_private_mentions: Handling
    for_limited_accounts: Handling
    summary: PolicySummary


class V1NotificationPolicy(Entity, kw_only=True):
    filter_not_following: bool
    filter_not_followers: bool
    filter_new_accounts: bool
    filter_private_mentions: bool
    summary: PolicySummary


class NotificationRequest(Entity, kw_only=True):
    id: Id
    created_at: Moment
    updated_at: Moment
    notifications_count: str
    account: Account
    last_status: Status | Omitted = UNSET


class Marker(Entity, kw_only=True):
    last_read_id: Id
    version: int
    updated_at: Moment


class Preferences(Entity, kw_only=True):
    posting_visibility: Visibility = msgspec.field(name="posting:default:visibility")
    posting_sensitive: bool = msgspec.field(name="posting:default:sensitive")
    posting_language: str | None = msgspec.field(name="posting:default:language")
    posting_quoters: Literal["public", "followers", "nobody"] = msgspec.field(
        name="posting:default:quote_policy"
    )
    expand_media: Literal["default", "show_all", "hide_all"] = msgspec.field(
        name="reading:expand:media"
    )
    expand_spoilers: bool = msgspec.field(name="reading:expand:spoilers")
    play_gifs: bool = msgspec.field(name="reading:autoplay:gifs")


class Reaction(Entity, kw_only=True):
    name: str
    count: int
    me: bool | Omitted = UNSET
    url: str | Omitted = UNSET
    static_url: str | Omitted = UNSET


class AnnouncementAccount(Entity, kw_only=True):
    id: Id
    username: str
    url: str
    acct: str


class AnnouncementStatus(Entity, kw_only=True):
    id: Id
    url: str


class Announcement(Entity, kw_only=True):
    id: Id
    content: str
    starts_at: Moment | None
    ends_at: Moment | None
    all_day: bool
    published_at: Moment
    updated_at: Moment
    read: bool | Omitted = UNSET
    mentions: list[AnnouncementAccount]
    statuses: list[AnnouncementStatus]
    tags: list[StatusTag]
    emojis: list[CustomEmoji]
    reactions: list[Reaction]


class Alerts(Entity, kw_only=True):
    mention: bool
    quote: bool
    status: bool
    reblog: bool
    follow: bool
    follow_request: bool
    favourite: bool
    poll: bool
    update: bool
    quoted_update: bool
    admin_sign_up: bool = msgspec.field(name="admin.sign_up")
    admin_report: bool = msgspec.field(name="admin.report")


class WebPushSubscription(Entity, kw_only=True):
    id: Id
    endpoint: str
    standard: bool
    alerts: Alerts
    policy: Literal["all", "followed", "follower", "none"]
    server_key: str


class AsyncRefresh(Entity, kw_only=True):
    """Work that goes on, such as a picture in the making."""

    id: str
    status: Literal["running", "finished"]
    result_count: int | Omitted = UNSET


class RunningRefresh(Entity, kw_only=True):
    """Mastodon's `AsyncRefreshResponse`."""

    async_refresh: AsyncRefresh
