"""The `federate` job: what happened here becomes an activity, and one delivery per inbox.

The activity is serialised once; it, its deliveries and the end of the job are one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from activitypub.addressing import PUBLIC, address
from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Report, Stamp, Status
from fedi.federation import recipients, relays, sending
from fedi.federation.relays import Ready
from fedi.federation.translate import outward
from fedi.jobs import Claimed, handles
from fedi.runtime import Easel
from fedi.social import account_keys, accounts, blocks, favourites, follows, posts, quotes


@handles("federate", attempts=20, at_once=4)
async def federate(easel: Easel, job: Claimed) -> None:
    """Make the activity and its deliveries; nothing, if what happened is undone already."""
    build = BUILDERS[job.payload["what"]]
    async with easel.database.write() as tx:
        ready = await build(tx, job.payload) if easel.settings.federation.enabled else None
        if ready is not None:
            for sender, activity, inboxes in await relays.pass_on(tx, job.payload, ready):
                await sending.send(tx, sender, activity, inboxes)
        await job.finish(tx)


async def _status(tx: Transaction, payload: dict[str, Any]) -> tuple[Status, Account] | None:
    status = await tx.get(Status, payload["status_id"])
    if status is None:
        return None
    author = await tx.get(Account, status.account_id)
    assert author is not None
    return (status, author) if author.private_key_pem else None


async def _accounts(tx: Transaction, payload: dict[str, Any]) -> tuple[Account, Account] | None:
    account = await tx.get(Account, payload["account_id"])
    target = await tx.get(Account, payload["target_account_id"])
    return (account, target) if account is not None and target is not None else None


async def note_of(tx: Transaction, status: Status, author: Account) -> dict[str, Any]:
    """The document of a post, as its author sees it."""
    [post] = await posts.assemble(tx, [status], author)
    return outward.note(post, tx.instance).document()


async def create(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None or found[0].deleted_at is not None:
        return None
    status, author = found
    document = await note_of(tx, status, author)
    made = activities.create(status.activity_uri, author.uri, document)
    return author, made, await _as_far_as_it_may_go(tx, status, recipients.of_status)


async def _as_far_as_it_may_go(
    tx: Transaction, status: Status, all_of: Callable[[Transaction, Status], Awaitable[list[str]]]
) -> list[str]:
    """Where a post goes: what waits for leave to who decides, what was refused it to nobody."""
    if status.held:
        return await recipients.who_decides(tx, status) if status.approval == "pending" else []
    return await all_of(tx, status)


async def update(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None or found[0].deleted_at is not None:
        return None
    status, author = found
    document = await note_of(tx, status, author)
    await sending.renew(tx, author, activities.create(status.activity_uri, author.uri, document))
    made = activities.update(f"{status.uri}#updates/{tx.new_id()}", author.uri, document)
    return author, made, await _as_far_as_it_may_go(tx, status, recipients.of_edit)


async def delete_status(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None:
        return None
    status, author = found
    [post] = await posts.assemble(tx, [status], author)
    to, cc = outward.audience(post)
    made = activities.delete(
        f"{status.uri}#delete",
        author.uri,
        status.uri,
        to=to,
        cc=cc,
        former_type="Note",
        deleted=status.deleted_at,
    )
    if status.approval == "pending":
        inboxes = await recipients.who_decides(tx, status)
    else:
        inboxes = await recipients.who_may_have(tx, status)
    if status.deleted_at is not None:
        await favourites.forget(tx, status)
    return author, made, inboxes


async def announce_of(tx: Session, boost: Status, author: Account) -> Activity | None:
    """The Announce that a boost is."""
    assert boost.reblog_of_id is not None
    original = await tx.get(Status, boost.reblog_of_id)
    if original is None:
        return None
    owner = await tx.get(Account, original.account_id)
    assert owner is not None
    to, cc = address(boost.visibility, author.followers_uri, [owner.uri])
    return activities.announce(
        boost.uri,
        author.uri,
        original.uri,
        to=to,
        cc=cc,
        published=boost.created_at,
        approved_by=boost.approved_by,
    )


async def announce(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    if found is None or found[0].deleted_at is not None:
        return None
    return await _boost(tx, *found, undone=False)


async def undo_announce(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _status(tx, payload)
    return None if found is None else await _boost(tx, *found, undone=True)


async def _boost(tx: Transaction, boost: Status, author: Account, *, undone: bool) -> Ready | None:
    made = await announce_of(tx, boost, author)
    original = await tx.get(Status, boost.reblog_of_id)
    if made is None or original is None:
        return None
    if boost.approval == "pending":
        inboxes = await recipients.who_decides(tx, boost)
    else:
        inboxes = await recipients.of_boost(tx, boost, original)
    return author, activities.undo(f"{boost.uri}#undo", made) if undone else made, inboxes


async def like(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _like(tx, payload, undone=False)


async def undo_like(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _like(tx, payload, undone=True)


async def _like(tx: Transaction, payload: dict[str, Any], *, undone: bool) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    found = await _liked(tx, payload["status_id"])
    if account is None or found is None or not account.private_key_pem:
        return None
    if not undone and await favourites.by_uri(tx, payload["uri"]) is None:
        return None
    status, author = found
    made = activities.like(payload["uri"], account.uri, status.uri, to=[author.uri])
    if undone:
        made = activities.undo(f"{payload['uri']}/undo", made)
    return account, made, [author.inbox_uri]


async def _liked(tx: Transaction, status_id: int) -> tuple[Status, Account] | None:
    status = await tx.get(Status, status_id)
    author = await tx.get(Account, status.account_id) if status is not None else None
    return (status, author) if status is not None and author is not None else None


async def follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    if await follows.by_uri(tx, payload["uri"]) is None:
        return None
    return await _between(tx, payload, activities.follow)


async def undo_follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _between(tx, payload, activities.follow, undone=True)


async def block(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    if await blocks.by_uri(tx, payload["uri"]) is None:
        return None
    return await _between(tx, payload, activities.block)


async def undo_block(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _between(tx, payload, activities.block, undone=True)


async def _between(
    tx: Transaction,
    payload: dict[str, Any],
    make: Callable[[str, str, str], Activity],
    *,
    undone: bool = False,
) -> Ready | None:
    found = await _accounts(tx, payload)
    if found is None or not found[0].private_key_pem:
        return None
    account, target = found
    made = make(payload["uri"], account.uri, target.uri)
    if undone:
        made = activities.undo(f"{payload['uri']}/undo", made)
    return account, made, [target.inbox_uri]


async def accept_follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    held = await follows.find(tx, payload["account_id"], payload["target_account_id"])
    if held is None or held.state != follows.ACCEPTED:
        return None
    return await _answer(tx, payload, activities.accept, "accepts")


async def reject_follow(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _answer(tx, payload, activities.reject, "rejects")


async def _answer(
    tx: Transaction,
    payload: dict[str, Any],
    make: Callable[[str, str, str, str], Activity],
    name: str,
) -> Ready | None:
    found = await _accounts(tx, payload)
    if found is None or not found[1].private_key_pem:
        return None
    follower, target = found
    made = make(f"{target.uri}#{name}/{tx.new_id()}", target.uri, payload["uri"], follower.uri)
    return target, made, [follower.inbox_uri]


async def move(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or account.deleted_at is not None or not account.private_key_pem:
        return None
    made = activities.move(
        f"{account.uri}#moves/{tx.new_id()}",
        account.uri,
        payload["target"],
        to=[account.followers_uri],
    )
    return account, made, await recipients.of_followers(tx, account)


async def flag(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """The instance says it, not who reported: nobody should have to fear whom they report."""
    report = await tx.get(Report, payload["report_id"])
    target = await tx.get(Account, report.target_account_id) if report is not None else None
    if report is None or target is None or target.local:
        return None
    shown = [await tx.get(Status, status_id) for status_id in report.status_ids]
    named = [target.uri, *(status.uri for status in shown if status is not None)]
    instance = await accounts.ensure_instance_actor(tx)
    made = activities.flag(report.uri, instance.uri, named, report.comment)
    return instance, made, [target.inbox_uri]


async def accept_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _answer_quote(tx, payload)


async def reject_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    return await _answer_quote(tx, payload)


async def _answer_quote(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    found = await _accounts(tx, payload)
    quoted = await tx.get(Status, payload["status_id"])
    if found is None or quoted is None or not found[0].private_key_pem:
        return None
    author, asker = found
    stamp = await tx.get(Stamp, payload["stamp_id"]) if "stamp_id" in payload else None
    request = Activity(
        id=payload["uri"],
        type="QuoteRequest",
        actor=asker.uri,
        object_id=quoted.uri,
        instrument=payload["quoting_uri"],
    )
    made = activities.answer_quote(
        f"{author.uri}#quotes/{tx.new_id()}",
        author.uri,
        request,
        stamp=quotes.stamp_uri(author, stamp) if stamp is not None else None,
        reject=stamp is None,
    )
    return author, made, [asker.inbox_uri]


async def revoke_stamp(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    stamp = await tx.get(Stamp, payload["stamp_id"])
    if stamp is None:
        return None
    author = await tx.get(Account, stamp.account_id)
    quoting = await tx.get(Account, stamp.quoting_account_id)
    status = await tx.get(Status, stamp.status_id)
    if author is None or quoting is None or status is None or not author.private_key_pem:
        return None
    uri = quotes.stamp_uri(author, stamp)
    made = activities.delete(
        f"{uri}#delete", author.uri, uri, to=[PUBLIC], former_type="QuoteAuthorization"
    )
    inboxes = await recipients.who_may_have(tx, status)
    return author, made, sorted({*inboxes, quoting.shared_inbox_uri or quoting.inbox_uri})


async def update_actor(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or account.deleted_at is not None or not account.private_key_pem:
        return None
    made = activities.update(
        f"{account.uri}#updates/{tx.new_id()}",
        account.uri,
        outward.actor(account, tx.instance, [await account_keys.ensure(tx, account)]).document(),
        to=[PUBLIC],
        cc=[account.followers_uri],
    )
    return account, made, await recipients.of_followers(tx, account)


async def delete_actor(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    account = await tx.get(Account, payload["account_id"])
    if account is None or not account.private_key_pem:
        return None
    made = activities.delete(f"{account.uri}#delete", account.uri, account.uri, to=[PUBLIC])
    return account, made, payload["inboxes"]


BUILDERS: dict[str, Callable[[Transaction, dict[str, Any]], Awaitable[Ready | None]]] = {
    "create": create,
    "update": update,
    "delete": delete_status,
    "announce": announce,
    "undo_announce": undo_announce,
    "like": like,
    "undo_like": undo_like,
    "follow": follow,
    "undo_follow": undo_follow,
    "accept_follow": accept_follow,
    "reject_follow": reject_follow,
    "block": block,
    "undo_block": undo_block,
    "move": move,
    "flag": flag,
    "accept_quote": accept_quote,
    "reject_quote": reject_quote,
    "revoke_stamp": revoke_stamp,
    "update_actor": update_actor,
    "delete_actor": delete_actor,
}
