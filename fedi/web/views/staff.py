"""Reports and accounts, as those who run this instance see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fedi.database.tables import Account, AccountWarning, Login, Report, Rule
from fedi.social import moderation
from fedi.studio.remote_files.gallery import Gallery
from fedi.web.views.links import excerpt
from fedi.web.views.people import Maker, maker
from fedi.web.views.posts import Moment, moment

EXCERPT = 160  # characters of what a report says, in a list

CATEGORIES = {
    "spam": "Spam",
    "violation": "Breaks a rule",
    "legal": "Against the law",
    "other": "Something else",
}
# What can be done to an account, as it is chosen.
ACTIONS: dict[moderation.Action, str] = {
    "none": "Only tell them something",
    "sensitive": "Put a warning on all their pictures",
    "silence": "Show what they post only to who follows them",
    "disable": "Do not let them sign in",
    "suspend": "Show nothing of them to anybody",
}
UNDOINGS: dict[moderation.Undoing, str] = {
    "unsensitive": "Take the warning off their pictures",
    "unsilence": "Show their posts to everybody again",
    "enable": "Let them sign in again",
    "unsuspend": "Show them again",
}
_WARNED = {
    "none": "A warning",
    "sensitive": "A warning on all pictures",
    "silence": "Silenced",
    "disable": "Not let in",
    "suspend": "Suspended",
}
COMMAND_LINE = "the command line"


@dataclass(frozen=True, slots=True)
class Reported:
    """A report.

    Attributes:
        by: who reports; of one from elsewhere often only their server.
        forwardable: whether the server of whom it is about can be told, and was not.
        looked_after, settled_by: by whom; empty: nobody.
    """

    id: str
    href: str
    about: Maker
    about_id: str
    about_local: bool
    by: Maker
    by_id: str
    category: str
    kind: str
    rules: list[str]
    rule_ids: list[int]
    words: str
    short: str
    posts: int
    forwarded: bool
    forwardable: bool
    created: Moment
    looked_after: str
    mine: bool
    settled: Moment | None
    settled_by: str


def reported(
    row: Report,
    people: Mapping[int, Account],
    rules: Mapping[int, Rule],
    gallery: Gallery,
    viewer: Account,
) -> Reported:
    target, by = people[row.target_account_id], people[row.account_id]
    forwardable = not target.local and by.local and not row.forwarded
    return Reported(
        id=str(row.id),
        href=f"/admin/reports/{row.id}",
        about=maker(target, gallery, viewer),
        about_id=str(target.id),
        about_local=target.local,
        by=maker(by, gallery, viewer),
        by_id=str(by.id),
        category=row.category,
        kind=CATEGORIES.get(row.category, CATEGORIES["other"]),
        rules=[rules[one].text for one in row.rule_ids if one in rules],
        rule_ids=list(row.rule_ids),
        words=row.comment,
        short=excerpt(row.comment, EXCERPT),
        posts=len(row.status_ids),
        forwarded=row.forwarded,
        forwardable=forwardable,
        created=moment(row.created_at),
        looked_after=_name(row.assigned_account_id, people),
        mine=row.assigned_account_id == viewer.id,
        settled=moment(row.resolved_at) if row.resolved_at else None,
        settled_by=_name(row.resolved_by_id, people),
    )


def _name(account_id: int | None, people: Mapping[int, Account]) -> str:
    found = people.get(account_id or 0)
    return "" if found is None else f"@{found.acct}"


@dataclass(frozen=True, slots=True)
class Person:
    """An account. `states` says in a word or two what is the matter with it."""

    id: str
    href: str
    maker: Maker
    states: list[str]
    role: str
    since: Moment


def person(account: Account, login: Login | None, gallery: Gallery, viewer: Account) -> Person:
    return Person(
        id=str(account.id),
        href=f"/admin/accounts/{account.id}",
        maker=maker(account, gallery, viewer),
        states=states(account, login),
        role=login.role if login is not None and login.role != "user" else "",
        since=moment(account.created_at),
    )


def states(account: Account, login: Login | None) -> list[str]:
    """What is the matter with an account, in a word or two each."""
    found = []
    if login is not None and login.confirmed_at is None:
        found.append("address not confirmed")
    if login is not None and login.approved_at is None:
        found.append("waits to be let in")
    if account.suspended_at is not None and not found:
        found.append("suspended")
    if account.silenced_at is not None:
        found.append("silenced")
    if account.sensitized_at is not None:
        found.append("pictures behind a warning")
    if login is not None and login.disabled_at is not None:
        found.append("cannot sign in")
    if found and account.limited_by_domain:
        found.append("by the rule for its server")
    return found


def actions(*, local: bool) -> dict[moderation.Action, str]:
    """What can be done to an account, as it is chosen: nobody elsewhere is told, or signs in."""
    return {
        name: words for name, words in ACTIONS.items() if local or name not in {"none", "disable"}
    }


def undoings(account: Account, login: Login | None) -> dict[str, str]:
    """What was done to an account and can be taken back, as it is said."""
    waits = login is not None and (login.confirmed_at is None or login.approved_at is None)
    done = {
        "unsensitive": account.sensitized_at is not None,
        "unsilence": account.silenced_at is not None,
        "enable": login is not None and login.disabled_at is not None,
        "unsuspend": account.suspended_at is not None and not waits,
    }
    return {name: words for name, words in UNDOINGS.items() if done[name]}


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody was told by moderators."""

    what: str
    words: str
    when: Moment
    by: str


def told(rows: Sequence[AccountWarning], people: Mapping[int, Account]) -> list[Told]:
    return [
        Told(
            what=_WARNED.get(row.action, row.action),
            words=row.text,
            when=moment(row.created_at),
            by=_name(row.by_account_id, people) or COMMAND_LINE,
        )
        for row in rows
    ]
