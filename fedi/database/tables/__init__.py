"""The tables, by noun. One import brings them all: `from fedi.database.tables import Status`."""

from __future__ import annotations

from fedi.database.tables.accounts import (
    AccessToken,
    Account,
    Block,
    Follow,
    InstanceSecret,
    Login,
    Notification,
)
from fedi.database.tables.reports import Report
from fedi.database.tables.responses import Poll, Quote, Reaction, Stamp
from fedi.database.tables.statuses import (
    Favourite,
    HomeEntry,
    MediaAttachment,
    Mention,
    Pin,
    Status,
    StatusTag,
    Tag,
)
from fedi.database.tables.work import (
    Job,
    OutgoingActivity,
    Painter,
    Painting,
    ReceivedActivity,
)

__all__ = [
    "AccessToken",
    "Account",
    "Block",
    "Favourite",
    "Follow",
    "HomeEntry",
    "InstanceSecret",
    "Job",
    "Login",
    "MediaAttachment",
    "Mention",
    "Notification",
    "OutgoingActivity",
    "Painter",
    "Painting",
    "Pin",
    "Poll",
    "Quote",
    "Reaction",
    "ReceivedActivity",
    "Report",
    "Stamp",
    "Status",
    "StatusTag",
    "Tag",
]
