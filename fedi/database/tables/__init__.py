"""The tables, by noun. One import brings them all: `from fedi.database.tables import Status`."""

from __future__ import annotations

from fedi.database.tables.access import (
    AccessToken,
    Application,
    BrowserSession,
    Challenge,
    Grant,
    Passkey,
    SecondFactor,
)
from fedi.database.tables.accounts import (
    Account,
    Block,
    Follow,
    InstanceSecret,
    Login,
    Notification,
)
from fedi.database.tables.arranging import (
    DismissedSuggestion,
    Filter,
    FilterKeyword,
    FilterStatus,
    FollowedTag,
    ListMember,
    UserList,
)
from fedi.database.tables.assistant import AssistantRequest, AssistantStop
from fedi.database.tables.carrying import Archive, Import, ImportLine
from fedi.database.tables.dataset import ConsentChange, DatasetExport, DatasetItem
from fedi.database.tables.files import RemoteFile
from fedi.database.tables.hosts import DomainAllow, DomainRule, Mark, PeerHost, Relay
from fedi.database.tables.instance import CustomEmoji, Rule
from fedi.database.tables.joining import (
    CanonicalEmailBlock,
    EmailDomainBlock,
    Invite,
    IpBlock,
    MailLink,
)
from fedi.database.tables.keys import AccountKey
from fedi.database.tables.notices import (
    Announcement,
    AnnouncementReaction,
    AnnouncementRead,
    NotificationPermission,
    NotificationPolicy,
    NotificationRequest,
    PushSubscription,
    Severance,
)
from fedi.database.tables.outbox import OutboxActivity
from fedi.database.tables.preferring import (
    AccountDomainBlock,
    AccountNote,
    Bookmark,
    Endorsement,
    IdempotencyKey,
    Marker,
    Mute,
    ThreadMute,
)
from fedi.database.tables.reports import Report
from fedi.database.tables.responses import Poll, PollVote, Quote, Reaction, Stamp
from fedi.database.tables.search import SearchChange
from fedi.database.tables.staff import AccountWarning, AuditEntry, TrendVerdict
from fedi.database.tables.statuses import (
    Favourite,
    FeaturedTag,
    HomeEntry,
    MediaAttachment,
    Mention,
    Pin,
    Status,
    StatusTag,
    Tag,
)
from fedi.database.tables.trends import Trend, TrendChange, TrendSignal
from fedi.database.tables.work import (
    InputPicture,
    Job,
    OutgoingActivity,
    Painter,
    Painting,
    PaintingInput,
    ReceivedActivity,
)
from fedi.database.tables.writing import Conversation, ScheduledStatus, StatusEdit

__all__ = [
    "AccessToken",
    "Account",
    "AccountDomainBlock",
    "AccountKey",
    "AccountNote",
    "AccountWarning",
    "Announcement",
    "AnnouncementReaction",
    "AnnouncementRead",
    "Application",
    "Archive",
    "AssistantRequest",
    "AssistantStop",
    "AuditEntry",
    "Block",
    "Bookmark",
    "BrowserSession",
    "CanonicalEmailBlock",
    "Challenge",
    "ConsentChange",
    "Conversation",
    "CustomEmoji",
    "DatasetExport",
    "DatasetItem",
    "DismissedSuggestion",
    "DomainAllow",
    "DomainRule",
    "EmailDomainBlock",
    "Endorsement",
    "Favourite",
    "FeaturedTag",
    "Filter",
    "FilterKeyword",
    "FilterStatus",
    "Follow",
    "FollowedTag",
    "Grant",
    "HomeEntry",
    "IdempotencyKey",
    "Import",
    "ImportLine",
    "InputPicture",
    "InstanceSecret",
    "Invite",
    "IpBlock",
    "Job",
    "ListMember",
    "Login",
    "MailLink",
    "Mark",
    "Marker",
    "MediaAttachment",
    "Mention",
    "Mute",
    "Notification",
    "NotificationPermission",
    "NotificationPolicy",
    "NotificationRequest",
    "OutboxActivity",
    "OutgoingActivity",
    "Painter",
    "Painting",
    "PaintingInput",
    "Passkey",
    "PeerHost",
    "Pin",
    "Poll",
    "PollVote",
    "PushSubscription",
    "Quote",
    "Reaction",
    "ReceivedActivity",
    "Relay",
    "RemoteFile",
    "Report",
    "Rule",
    "ScheduledStatus",
    "SearchChange",
    "SecondFactor",
    "Severance",
    "Stamp",
    "Status",
    "StatusEdit",
    "StatusTag",
    "Tag",
    "ThreadMute",
    "Trend",
    "TrendChange",
    "TrendSignal",
    "TrendVerdict",
    "UserList",
]
