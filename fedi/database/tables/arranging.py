"""How people arrange what they read: lists, filters, hashtags that they follow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlmodel import Field

from fedi.database.tables.columns import (
    Table,
    moment,
    new_list,
    optional_moment,
    primary_id,
    reference,
)


class UserList(Table, table=True):
    """Some of those whom somebody follows, read by themselves."""

    __tablename__ = "user_list"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    title: str
    replies_policy: str = "list"  # followed, list, none: to whom answers are shown
    exclusive: bool = False  # what its members post is not in the home timeline
    created_at: datetime = moment()


class ListMember(Table, table=True):
    __tablename__ = "list_member"
    __table_args__ = (UniqueConstraint("list_id", "account_id"),)

    id: int = primary_id()
    list_id: int = reference("user_list.id")
    account_id: int = reference("account.id", index=True)


class Filter(Table, table=True):
    """What somebody does not want to see, or not at once."""

    __tablename__ = "filter"

    id: int = primary_id()
    account_id: int = reference("account.id", index=True)
    title: str = Field(sa_type=Text)
    context: list[str] = Field(default_factory=new_list, sa_type=JSON)
    action: str = "warn"  # warn, hide, blur
    expires_at: datetime | None = optional_moment()
    created_at: datetime = moment()


class FilterKeyword(Table, table=True):
    __tablename__ = "filter_keyword"

    id: int = primary_id()
    filter_id: int = reference("filter.id", index=True)
    keyword: str = Field(sa_type=Text)
    whole_word: bool = True


class FilterStatus(Table, table=True):
    """A single post that a filter is for."""

    __tablename__ = "filter_status"
    __table_args__ = (UniqueConstraint("filter_id", "status_id"),)

    id: int = primary_id()
    filter_id: int = reference("filter.id")
    status_id: int = reference("status.id", index=True)


class FollowedTag(Table, table=True):
    """A hashtag whose posts somebody wants in their home timeline."""

    __tablename__ = "followed_tag"
    __table_args__ = (
        UniqueConstraint("account_id", "tag_id"),
        Index("followed_tag_account", "account_id", "id"),
    )

    id: int = primary_id()
    account_id: int = reference("account.id")
    tag_id: int = reference("tag.id", index=True)
    created_at: datetime = moment()


class DismissedSuggestion(Table, table=True):
    """Somebody whom an account does not want to be shown as worth following."""

    __tablename__ = "dismissed_suggestion"

    account_id: int = reference("account.id", primary=True)
    target_account_id: int = reference("account.id", primary=True, index=True)


__all__ = [
    "DismissedSuggestion",
    "Filter",
    "FilterKeyword",
    "FilterStatus",
    "FollowedTag",
    "ListMember",
    "UserList",
]
