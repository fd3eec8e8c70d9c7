"""What becomes of everything when an account goes: a tombstone stays, and every tie is undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from fedi.database import Transaction
from fedi.database.tables import (
    Account,
    AccountDomainBlock,
    AccountNote,
    AnnouncementReaction,
    AnnouncementRead,
    Archive,
    Block,
    Bookmark,
    Conversation,
    DismissedSuggestion,
    Endorsement,
    Favourite,
    FeaturedTag,
    Filter,
    Follow,
    FollowedTag,
    ForYou,
    ForYouMark,
    ForYouRanking,
    HomeEntry,
    IdempotencyKey,
    Import,
    InboxActivity,
    InboxRecipient,
    ListMember,
    MailLink,
    Marker,
    MediaAttachment,
    Mention,
    Mute,
    Notification,
    NotificationPermission,
    NotificationPolicy,
    NotificationRequest,
    OutboxActivity,
    Pin,
    PushSubscription,
    Quote,
    Reaction,
    ScheduledStatus,
    Severance,
    Status,
    StatusTag,
    ThreadMute,
    UserList,
)
from fedi.social import forgetting
from fedi.social.counts import counted_answer, stepped

# What an account has to itself; what belongs to a row of these goes with it.
THEIRS: tuple[Any, ...] = (
    AccountDomainBlock,
    AnnouncementReaction,
    AnnouncementRead,
    Archive,
    Conversation,
    Filter,
    FollowedTag,
    ForYou,
    ForYouMark,
    ForYouRanking,
    IdempotencyKey,
    Import,
    InboxActivity,
    InboxRecipient,
    ListMember,
    MailLink,
    Marker,
    NotificationPolicy,
    OutboxActivity,
    PushSubscription,
    ScheduledStatus,
    Severance,
    ThreadMute,
    UserList,
)


async def bury(tx: Transaction, account: Account) -> None:
    """Make a tombstone of an account and of all that it posted.

    The number of statements does not depend on how much there is.
    """
    await _uncount(tx, account.id)
    await _untie(tx, account.id)
    await _empty_statuses(tx, account.id)
    await forgetting.drop_faces(tx, account)
    await forgetting.drop_begun_by(tx, account)
    await forgetting.drop_paintings(tx, account)
    account.deleted_at = tx.now
    account.display_name = account.note = account.note_source = ""
    account.fields, account.emojis, account.also_known_as = [], [], []
    account.attribution_domains = []
    account.avatar = account.header = None
    account.avatar_description = account.header_description = ""
    account.followers_count = account.following_count = account.statuses_count = 0
    tx.add(account)
    await tx.flush()


async def _uncount(tx: Transaction, account_id: int) -> None:
    """What the account added to the counts of others."""
    follows = select(Follow).where(Follow.state == "accepted").subquery()
    boost, answer = aliased(Status), aliased(Status)
    steps = [
        update(Account)
        .where(
            col(Account.id).in_(
                select(follows.c.account_id).where(follows.c.target_account_id == account_id)
            )
        )
        .values(following_count=stepped(Account.following_count, -1)),
        update(Account)
        .where(
            col(Account.id).in_(
                select(follows.c.target_account_id).where(follows.c.account_id == account_id)
            )
        )
        .values(followers_count=stepped(Account.followers_count, -1)),
        update(Status)
        .where(
            col(Status.id).in_(
                select(Favourite.status_id).where(Favourite.account_id == account_id)
            )
        )
        .values(favourites_count=stepped(Status.favourites_count, -1)),
        update(Status)
        .where(
            col(Status.id).in_(
                select(col(boost.reblog_of_id)).where(
                    boost.account_id == account_id, col(boost.deleted_at).is_(None)
                )
            )
        )
        .values(reblogs_count=stepped(Status.reblogs_count, -1)),
    ]
    answers = (
        select(func.count())
        .select_from(answer)
        .where(
            answer.in_reply_to_id == Status.id,
            answer.account_id == account_id,
            counted_answer(answer),
        )
        .correlate(Status)
        .scalar_subquery()
    )
    answered = select(col(answer.in_reply_to_id)).where(
        answer.account_id == account_id, col(answer.deleted_at).is_(None)
    )
    steps.append(
        update(Status)
        .where(col(Status.id).in_(answered))
        .values(replies_count=stepped(Status.replies_count, -answers))
    )
    for step in steps:
        await tx.execute(step.execution_options(synchronize_session=False))


async def _untie(tx: Transaction, account_id: int) -> None:
    """What the account did to others, and they to it and its posts."""
    mine = select(Status.id).where(Status.account_id == account_id)
    boosts_of_mine = select(Status.id).where(col(Status.reblog_of_id).in_(mine))
    for statement in (
        delete(Follow).where(
            or_(col(Follow.account_id) == account_id, col(Follow.target_account_id) == account_id)
        ),
        delete(Block).where(
            or_(col(Block.account_id) == account_id, col(Block.target_account_id) == account_id)
        ),
        delete(Favourite).where(
            or_(col(Favourite.account_id) == account_id, col(Favourite.status_id).in_(mine))
        ),
        delete(Reaction).where(
            or_(col(Reaction.account_id) == account_id, col(Reaction.status_id).in_(mine))
        ),
        delete(Bookmark).where(
            or_(col(Bookmark.account_id) == account_id, col(Bookmark.status_id).in_(mine))
        ),
        delete(Mute).where(
            or_(col(Mute.account_id) == account_id, col(Mute.target_account_id) == account_id)
        ),
        delete(Endorsement).where(
            or_(
                col(Endorsement.account_id) == account_id,
                col(Endorsement.target_account_id) == account_id,
            )
        ),
        delete(AccountNote).where(
            or_(
                col(AccountNote.account_id) == account_id,
                col(AccountNote.target_account_id) == account_id,
            )
        ),
        *(delete(table).where(col(table.account_id) == account_id) for table in THEIRS),
        delete(DismissedSuggestion).where(
            or_(
                col(DismissedSuggestion.account_id) == account_id,
                col(DismissedSuggestion.target_account_id) == account_id,
            )
        ),
        *(
            delete(table).where(
                or_(col(table.account_id) == account_id, col(table.from_account_id) == account_id)
            )
            for table in (NotificationPermission, NotificationRequest)
        ),
        delete(Quote).where(col(Quote.status_id).in_(mine)),
        delete(Pin).where(or_(col(Pin.account_id) == account_id, col(Pin.status_id).in_(mine))),
        delete(FeaturedTag).where(col(FeaturedTag.account_id) == account_id),
        delete(Notification).where(
            or_(
                col(Notification.account_id) == account_id,
                col(Notification.from_account_id) == account_id,
                col(Notification.status_id).in_(mine),
            )
        ),
        delete(HomeEntry).where(
            or_(
                col(HomeEntry.account_id) == account_id,
                col(HomeEntry.status_id).in_(mine),
                col(HomeEntry.status_id).in_(boosts_of_mine),
            )
        ),
        delete(StatusTag).where(col(StatusTag.status_id).in_(mine)),
        delete(Mention).where(col(Mention.status_id).in_(mine)),
    ):
        await tx.execute(statement.execution_options(synchronize_session=False))


async def _empty_statuses(tx: Transaction, account_id: int) -> None:
    mine = select(Status.id).where(Status.account_id == account_id)
    for statement in (
        update(Status)
        .where(col(Status.reblog_of_id).in_(mine), col(Status.deleted_at).is_(None))
        .values(deleted_at=tx.now),
        update(Status)
        .where(col(Status.account_id) == account_id, col(Status.deleted_at).is_(None))
        .values(deleted_at=tx.now, content="", source="", spoiler_text="", generator=""),
    ):
        await tx.execute(statement.execution_options(synchronize_session=False))
    theirs = col(MediaAttachment.account_id) == account_id
    await forgetting.withdraw_media(tx, theirs, timedelta())
    await forgetting.drop_media(tx, theirs & col(MediaAttachment.file).is_(None))
