"""Notifications as apps get them, in words that they know.

What Easel alone tells comes as what is nearest to it: an emoji reaction as a favourite, a remix as
a mention (apps show its post), news of one's own picture as a direct mention by oneself that says
what happened, or, where it is published, as a new post.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

from sqlmodel import col, select

from fedi.api.mastodon import entities
from fedi.api.mastodon.views import accounts, statuses
from fedi.api.mastodon.views import reports as report_views
from fedi.database import Session
from fedi.database.tables import (
    Account,
    AccountWarning,
    Notification,
    Painting,
    Report,
    Severance,
)
from fedi.runtime import Easel
from fedi.social import pending, posts
from fedi.social.notification_lists import Group

TYPES: dict[str, entities.NotificationType] = {
    "mention": "mention",
    "status": "status",
    "reblog": "reblog",
    "follow": "follow",
    "follow_request": "follow_request",
    "favourite": "favourite",
    "poll": "poll",
    "update": "update",
    "quote": "quote",
    "quoted_update": "quoted_update",
    "admin.report": "admin.report",
    "admin.sign_up": "admin.sign_up",
    "moderation_warning": "moderation_warning",
    "severed_relationships": "severed_relationships",
    "reaction": "favourite",
    "remix": "mention",
    "scheduled_failed": "mention",
    "painting_failed": "mention",
    "painting_held": "mention",
    "painting_refused": "mention",
    "painting_approved": "status",
}
WITHOUT_STATUS = frozenset(
    {
        "follow",
        "follow_request",
        "admin.report",
        "admin.sign_up",
        "moderation_warning",
        "severed_relationships",
    }
)

# What an author is told of what they asked for.
_SENTENCES = {
    "scheduled_failed": "A post that you scheduled could not be published.",
    "painting_failed": "Your picture could not be painted.",
    "painting_held": "Your picture is painted. A moderator looks at it before it is shown.",
    "painting_refused": "Your picture is not shown on this instance.",
    "painting_approved": "Your picture may be shown.",
}


def kinds(types: Collection[str]) -> frozenset[str]:
    """The kinds that apps are told under these names."""
    return frozenset(kind for kind, type_ in TYPES.items() if type_ in types)


async def show(
    easel: Easel, session: Session, viewer: Account, rows: Sequence[Notification]
) -> list[entities.Notification]:
    """Notifications, in the same order; without those whose post the viewer may not see."""
    around = await _around(easel, session, viewer, rows)
    found = []
    for row in rows:
        status = around.statuses.get(row.id)
        if row.type not in TYPES or (status is None and row.type not in WITHOUT_STATUS):
            continue
        report = around.reports.get(row.report_id or 0)
        warning = around.warnings.get(row.warning_id or 0)
        if row.type == "admin.report" and report is None:
            continue
        if row.type == "moderation_warning" and warning is None:
            continue
        event = around.severances.get(row.severance_id or 0)
        if row.type == "severed_relationships" and event is None:
            continue
        found.append(
            entities.Notification(
                id=str(row.id),
                type=TYPES[row.type],
                created_at=entities.moment(row.created_at),
                group_key=row.group_key or f"ungrouped-{row.id}",
                account=around.accounts[row.from_account_id],
                status=status if status is not None else entities.UNSET,
                report=report if report is not None else entities.UNSET,
                event=event if event is not None else entities.UNSET,
                moderation_warning=warning if warning is not None else entities.UNSET,
            )
        )
    return found


async def show_groups(
    easel: Easel, session: Session, viewer: Account, groups: Sequence[Group], *, partial: bool
) -> entities.GroupedNotifications:
    """Groups, with what they are about beside them.

    Args:
        partial: of the accounts that are no group's first, the face alone.
    """
    around = await _around(easel, session, viewer, [group.newest for group in groups])
    shown: list[entities.NotificationGroup] = []
    about: dict[str, entities.Status] = {}
    first: dict[int, None] = {}
    others: dict[int, None] = {}
    for group in groups:
        row = group.newest
        status = around.statuses.get(row.id)
        if row.type not in TYPES or (status is None and row.type not in WITHOUT_STATUS):
            continue
        report = around.reports.get(row.report_id or 0)
        warning = around.warnings.get(row.warning_id or 0)
        if row.type == "moderation_warning" and warning is None:
            continue
        event = around.severances.get(row.severance_id or 0)
        if row.type == "severed_relationships" and event is None:
            continue
        if status is not None:
            about[status.id] = status
        first[group.account_ids[0]] = None
        others |= dict.fromkeys(group.account_ids[1:])
        shown.append(
            entities.NotificationGroup(
                group_key=group.key,
                notifications_count=group.count,
                type=TYPES[row.type],
                most_recent_notification_id=row.id,
                page_min_id=str(group.page[-1].id),
                page_max_id=str(group.page[0].id),
                latest_page_notification_at=entities.moment(group.page[0].created_at),
                sample_account_ids=[str(one) for one in group.account_ids],
                status_id=status.id if status is not None else entities.UNSET,
                report=report if report is not None else entities.UNSET,
                event=event if event is not None else entities.UNSET,
                moderation_warning=warning if warning is not None else entities.UNSET,
            )
        )
    whole = first if partial else first | others
    found = await posts.accounts_of(session, {*first, *others})
    entire = [found[one] for one in whole]
    rest = [found[one] for one in others if one not in whole]
    return entities.GroupedNotifications(
        accounts=await accounts.show(easel, session, entire),
        partial_accounts=[_face(one) for one in await accounts.show(easel, session, rest)]
        if partial
        else entities.UNSET,
        statuses=list(about.values()),
        notification_groups=shown,
    )


def _face(account: entities.Account) -> entities.PartialAccount:
    return entities.PartialAccount(
        **{name: getattr(account, name) for name in entities.PartialAccount.__struct_fields__}
    )


class _Around:
    """What notifications are about: accounts by id, posts by notification, reports, warnings and
    ties that were cut by id."""

    def __init__(self) -> None:
        self.accounts: dict[int, entities.Account] = {}
        self.statuses: dict[int, entities.Status] = {}
        self.reports: dict[int, entities.Report] = {}
        self.warnings: dict[int, entities.AccountWarning] = {}
        self.severances: dict[int, entities.SeveranceEvent] = {}


async def _around(
    easel: Easel, session: Session, viewer: Account, rows: Sequence[Notification]
) -> _Around:
    around = _Around()
    if not rows:
        return around
    reports = await _reports(session, rows)
    ids = {row.from_account_id for row in rows}
    ids |= {report.target_account_id for report in reports}
    people = await posts.accounts_of(session, ids)
    shown = await accounts.show(easel, session, list(people.values()))
    around.accounts = dict(zip(people, shown, strict=True))
    around.reports = {
        row.id: report_views.show(row, around.accounts[row.target_account_id]) for row in reports
    }
    around.warnings = await _warnings(session, rows, around.accounts)
    around.severances = await _severances(session, rows)
    by_id = await statuses.show_by_id(easel, session, viewer, (row.status_id for row in rows))
    around.statuses = {
        row.id: by_id[row.status_id]
        for row in rows
        if row.status_id is not None and row.status_id in by_id
    }
    around.statuses |= await _paintings(easel, session, viewer, rows, around.accounts)
    return around


async def _paintings(
    easel: Easel,
    session: Session,
    viewer: Account,
    rows: Sequence[Notification],
    people: dict[int, entities.Account],
) -> dict[int, entities.Status]:
    """News of one's own pictures, as posts that nobody else sees."""
    mine = [row for row in rows if row.type in _SENTENCES]
    if not mine:
        return {}
    found = await session.exec(
        select(Painting).where(
            col(Painting.id).in_([row.painting_id for row in mine]),
            Painting.account_id == viewer.id,
        )
    )
    paintings = {painting.id: painting for painting in found.all()}
    published = await statuses.show_by_id(
        easel, session, viewer, (painting.status_id for painting in paintings.values())
    )
    told = {}
    for row in mine:
        painting = paintings.get(row.painting_id or 0)
        post = published.get(painting.status_id or 0) if painting is not None else None
        told[row.id] = post or _news(easel, row, painting, people[row.from_account_id])
    return told


def _news(
    easel: Easel, row: Notification, painting: Painting | None, author: entities.Account
) -> entities.Status:
    sentence = _SENTENCES[row.type]
    if painting is not None and painting.error:
        sentence = f"{sentence} {painting.error}"
    uri = painting.status_uri if painting is not None else None
    number = pending.number(uri) if uri else row.painting_id or row.id
    address = uri or f"{easel.settings.instance.url}/about"
    nobody = entities.QuoteApproval(automatic=[], manual=[], current_user="denied")
    return entities.Status(
        id=str(number),
        created_at=entities.moment(row.created_at),
        in_reply_to_id=None,
        in_reply_to_account_id=None,
        sensitive=False,
        spoiler_text="",
        visibility="direct",
        language="en",
        uri=address,
        url=address,
        replies_count=0,
        reblogs_count=0,
        favourites_count=0,
        quotes_count=0,
        edited_at=None,
        content=f"<p>{html.escape(sentence)}</p>",
        account=author,
        media_attachments=[],
        mentions=[],
        tags=[],
        emojis=[],
        quote_approval=nobody,
        favourited=False,
        reblogged=False,
        muted=False,
        bookmarked=False,
        filtered=[],
    )


async def _reports(session: Session, rows: Iterable[Notification]) -> list[Report]:
    ids = [row.report_id for row in rows if row.report_id is not None]
    if not ids:
        return []
    return list((await session.exec(select(Report).where(col(Report.id).in_(ids)))).all())


async def _warnings(
    session: Session, rows: Iterable[Notification], people: dict[int, entities.Account]
) -> dict[int, entities.AccountWarning]:
    ids = [row.warning_id for row in rows if row.warning_id is not None]
    if not ids:
        return {}
    found = await session.exec(select(AccountWarning).where(col(AccountWarning.id).in_(ids)))
    return {
        row.id: entities.AccountWarning(
            id=str(row.id),
            action=cast(Any, row.action),
            text=row.text,
            status_ids=[str(number) for number in row.status_ids] or None,
            target_account=people[row.account_id],
            appeal=None,
            created_at=entities.moment(row.created_at),
        )
        for row in found.all()
    }


async def _severances(
    session: Session, rows: Iterable[Notification]
) -> dict[int, entities.SeveranceEvent]:
    ids = [row.severance_id for row in rows if row.severance_id is not None]
    if not ids:
        return {}
    found = await session.exec(select(Severance).where(col(Severance.id).in_(ids)))
    return {
        row.id: entities.SeveranceEvent(
            id=str(row.id),
            type=cast(Any, row.kind),
            purged=True,  # how many they were is kept, not who
            target_name=row.target_name,
            followers_count=row.followers_count,
            following_count=row.following_count,
            created_at=entities.moment(row.created_at),
        )
        for row in found.all()
    }
