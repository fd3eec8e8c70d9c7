"""Polls: ours, with the votes that they get, and those of posts from elsewhere, with the counts
that their author's server last told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import delete
from sqlalchemy.orm.attributes import flag_modified
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, insert_into
from fedi.database.tables import Account, Poll, PollVote, Status
from fedi.jobs import enqueue
from fedi.social import activities, text
from fedi.social.errors import Invalid
from fedi.social.notifications import notify, notify_all
from fedi.social.outbound import tell

MAX_OPTIONS = 50  # that are kept; Mastodon's forks allow 20
MAX_OPTION = 500  # characters

# Of polls of ours.
OWN_OPTIONS, OWN_OPTION = 8, 100
LEAST_EXPIRATION_S, MOST_EXPIRATION_S = 300, 2_629_746  # 5 minutes and a month, as Mastodon

RECOUNTED_EVERY = timedelta(minutes=3)  # what other servers are told of the counts, as Mastodon

# Mastodon's own words.
ENDED = "The poll has already ended"
OWN_POLL = "You cannot vote in your own polls"
NO_SUCH_CHOICE = "The chosen vote option does not exist"
VOTED = "You have already voted on this poll"


class DraftPoll(Struct, frozen=True, kw_only=True):
    """A poll as the author of a post means it. JSON-able.

    Attributes:
        options: what can be chosen.
        expires_in: seconds from when it is published until it ends.
        multiple: whether several may be chosen.
        hide_totals: whether nobody sees the counts before it ends.
    """

    options: list[str]
    expires_in: int
    multiple: bool = False
    hide_totals: bool = False


class ReceivedPoll(Struct, frozen=True, kw_only=True):
    """A poll as its author's server describes it: titles, and how often each was chosen."""

    options: tuple[tuple[str, int], ...]
    multiple: bool = False
    voters: int | None = None
    ends_at: datetime | None = None
    closed: bool = False


def check(poll: DraftPoll) -> None:
    """Refuse what is no poll.

    Raises:
        Invalid: with the reason.
    """
    titles = _titles(poll)
    if len(titles) < 2:
        raise Invalid("Options must have more than one item")
    if len(titles) > OWN_OPTIONS:
        raise Invalid(f"Options can't contain more than {OWN_OPTIONS} items")
    if any(len(title) > OWN_OPTION for title in titles):
        raise Invalid(f"Options can't be longer than {OWN_OPTION} characters each")
    if len(set(titles)) != len(titles):
        raise Invalid("Options contain duplicate items")
    if poll.expires_in < LEAST_EXPIRATION_S:
        raise Invalid("Duration is too soon")
    if poll.expires_in > MOST_EXPIRATION_S:
        raise Invalid("Duration is too far into the future")


def _titles(poll: DraftPoll) -> list[str]:
    written = (text.clean(option).strip() for option in poll.options)
    return [" ".join(title.split()) for title in written if title]


async def create(tx: Transaction, status: Status, poll: DraftPoll) -> None:
    """Give a new post of ours its poll; its end is noted as a job."""
    row = Poll(
        status_id=status.id,
        options=[{"title": title, "votes_count": 0} for title in _titles(poll)],
        multiple=poll.multiple,
        voters_count=0,
        ends_at=tx.now + timedelta(seconds=poll.expires_in),
        hide_totals=poll.hide_totals,
        fetched_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    await expect_end(tx, row)


async def expect_end(tx: Transaction, poll: Poll) -> None:
    """Have its end looked at when it comes."""
    if poll.ends_at is not None:
        await enqueue(
            tx,
            "poll_end",
            {"status_id": poll.status_id},
            delay=max(poll.ends_at - tx.now, timedelta()),
            unique_key=f"poll_end {poll.status_id} {int(poll.ends_at.timestamp())}",
        )


async def change(tx: Transaction, status: Status, poll: DraftPoll | None) -> None:
    """An edit of one of ours: other options make all votes void, as on Mastodon."""
    known = await tx.get(Poll, status.id, with_for_update=True)
    if poll is None:
        if known is not None:
            await _void(tx, status.id)
            await tx.delete(known)
            await tx.flush()
        if status.object_type == "Question":
            status.object_type = "Note"
        return
    check(poll)
    status.object_type = "Question"
    if known is None:
        await create(tx, status, poll)
        return
    titles = _titles(poll)
    if titles != [option["title"] for option in known.options] or poll.multiple != known.multiple:
        await _void(tx, status.id)
        known.options = [{"title": title, "votes_count": 0} for title in titles]
        known.voters_count = 0
    known.multiple, known.hide_totals = poll.multiple, poll.hide_totals
    known.ends_at, known.closed = tx.now + timedelta(seconds=poll.expires_in), False
    tx.add(known)
    await tx.flush()
    await expect_end(tx, known)


async def _void(tx: Transaction, status_id: int) -> None:
    await tx.execute(
        delete(PollVote)
        .where(col(PollVote.status_id) == status_id)
        .execution_options(synchronize_session=False)
    )


async def record(tx: Transaction, status: Status, poll: ReceivedPoll | None) -> None:
    """Make this the poll of a post from elsewhere; without one, it has none any more."""
    if poll is None:
        await tx.execute(delete(Poll).where(col(Poll.status_id) == status.id))
        return
    options = [
        {"title": text.name(title, MAX_OPTION), "votes_count": votes}
        for title, votes in poll.options[:MAX_OPTIONS]
    ]
    told = {
        "options": options,
        "multiple": poll.multiple,
        "voters_count": poll.voters,
        "ends_at": poll.ends_at,
        "closed": poll.closed,
        "fetched_at": tx.now,
    }
    insert = insert_into(tx, Poll).values(status_id=status.id, **told)
    await tx.execute(insert.on_conflict_do_update(index_elements=["status_id"], set_=told))


async def of_status(session: Session, status_id: int) -> Poll | None:
    return await session.get(Poll, status_id)


def has_ended(poll: Poll, now: datetime) -> bool:
    return poll.closed or (poll.ends_at is not None and poll.ends_at <= now)


async def vote(
    tx: Transaction, account: Account, status: Status, choices: Sequence[int]
) -> list[PollVote]:
    """Vote, as somebody here. The author's server is told, or everybody of the new counts.

    Args:
        status: what asks; the account can see it.
        choices: which options, from 0.

    Returns:
        A vote for each.

    Raises:
        Invalid: in Mastodon's words.
    """
    poll = await _locked(tx, status.id)
    if poll is None:
        raise Invalid(NO_SUCH_CHOICE)
    wanted = list(dict.fromkeys(choices))
    if has_ended(poll, tx.now):
        raise Invalid(ENDED)
    if account.id == status.account_id:
        raise Invalid(OWN_POLL)
    if not wanted or not all(0 <= choice < len(poll.options) for choice in wanted):
        raise Invalid(NO_SUCH_CHOICE)
    mine = await votes_of(tx, account, [status.id])
    if mine.get(status.id) or (len(wanted) > 1 and not poll.multiple):
        raise Invalid(VOTED)
    votes = []
    for choice in wanted:
        row = _vote(tx, account, status, choice, "")
        votes.append(row)
        row.uri = activities.mint_object_uri(tx, account)
        tx.add(row)
        await tx.flush()
        if not status.local:
            await tell(tx, "vote", vote_id=row.id)
    await _count(tx, poll, wanted, new_voter=True)
    if status.local:
        await _tell_counts(tx, status, poll)
    else:
        await expect_end(tx, poll)
    return votes


async def receive_vote(
    tx: Transaction, account: Account, status: Status, title: str, uri: str
) -> bool:
    """A vote of somebody elsewhere on one of ours; what is late, twice or unknown counts nothing.

    Returns:
        Whether it is a vote at all: there is a poll with such an option.
    """
    poll = await _locked(tx, status.id)
    titles = [option["title"] for option in poll.options] if poll is not None else []
    if poll is None or title not in titles:
        return False
    if has_ended(poll, tx.now) or account.id == status.account_id:
        return True
    mine = (await votes_of(tx, account, [status.id])).get(status.id, [])
    choice = titles.index(title)
    if choice in mine or (mine and not poll.multiple):
        return True
    if await add_once(tx, _vote(tx, account, status, choice, uri)):
        await _count(tx, poll, [choice], new_voter=not mine)
        await _tell_counts(tx, status, poll)
    return True


def _vote(tx: Transaction, account: Account, status: Status, choice: int, uri: str) -> PollVote:
    return PollVote(
        id=tx.new_id(),
        status_id=status.id,
        account_id=account.id,
        choice=choice,
        uri=uri,
        created_at=tx.now,
    )


async def _locked(tx: Transaction, status_id: int) -> Poll | None:
    """Of two votes at once the second counts after the first."""
    query = (
        select(Poll)
        .where(Poll.status_id == status_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await tx.exec(query)).first()


async def _count(tx: Transaction, poll: Poll, choices: Collection[int], *, new_voter: bool) -> None:
    for choice in choices:
        poll.options[choice]["votes_count"] += 1
    flag_modified(poll, "options")
    if new_voter and poll.voters_count is not None:
        poll.voters_count += 1
    tx.add(poll)
    await tx.flush()


async def _tell_counts(tx: Transaction, status: Status, poll: Poll) -> None:
    """Those who have the poll hear of its counts now and then, unless they are not to be seen."""
    if not poll.hide_totals:
        await enqueue(
            tx,
            "federate",
            {"what": "update", "status_id": status.id},
            delay=RECOUNTED_EVERY,
            unique_key=f"poll_counts {status.id}",
        )


async def votes_of(
    session: Session, account: Account, status_ids: Sequence[int]
) -> dict[int, list[int]]:
    """What an account chose, by the posts that asked."""
    found: dict[int, list[int]] = {}
    if status_ids:
        rows = await session.exec(
            select(PollVote.status_id, PollVote.choice)
            .where(PollVote.account_id == account.id, col(PollVote.status_id).in_(status_ids))
            .order_by(col(PollVote.choice))
        )
        for status_id, choice in rows.all():
            found.setdefault(status_id, []).append(choice)
    return found


async def end(tx: Transaction, status: Status, poll: Poll, author: Account) -> None:
    """A poll is over: its author, if of here, and those of ours who voted are told so."""
    poll.closed = True
    tx.add(poll)
    await tx.flush()
    voted = select(PollVote.account_id).where(PollVote.status_id == status.id)
    voters = await tx.exec(
        select(Account).where(col(Account.id).in_(voted), col(Account.domain).is_(None))
    )
    if status.local:
        await notify(tx, author, author, "poll", status.id)
        await tell(tx, "update", status_id=status.id)
    await notify_all(tx, voters.all(), author, "poll", status.id)


async def forget(tx: Transaction, status: Status) -> None:
    """The votes on a post that is gone, when those who voted know of it."""
    await _void(tx, status.id)
