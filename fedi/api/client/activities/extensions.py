"""Everything that means nothing here: a Dislike, an Offer, activities and objects of types that we
never heard of. It is kept, can be read under its id by those whom it is for, and is delivered to
them (SWICG's basic profile for ActivityPub API servers).

What only the server may say is taken out of it, and its HTML is made harmless, however deep that
stands. An object that has an id already stays where it is: it is named by that id alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activitypub import json
from activitypub.context import further_terms
from activitypub.objects import Activity, Tombstone, values
from activitypub.objects import activity as made
from fedi.api import auth
from fedi.api.client import audience, envelope, finding
from fedi.api.client.activities.asked import Asked, Done
from fedi.api.client.audience import Audience
from fedi.api.client.envelope import Document
from fedi.database import Transaction
from fedi.database.tables import Account, OutboxActivity
from fedi.federation.outgoing.activities import extension
from fedi.social import activities, collections, extensions, text
from fedi.social.activities import TERMS
from fedi.social.errors import Invalid, NotAllowed, NotFound
from fedi.social.extensions import MAPS, MARKUP, MAX_BYTES, MAX_DEPTH
from fedi.social.outbound import tell

# What no app says: whom it hides, and what only keys and servers can say. A key that could be read
# at an address of ours would speak for anybody here (FEP-fe34).
NEVER = frozenset(
    {
        "assertionMethod", "authentication", "bcc", "bto", "controller", "owner", "proof",
        "publicKey", "publicKeyBase58", "publicKeyJwk", "publicKeyMultibase", "publicKeyPem",
        "signature", "source", "verificationMethod",
    }
)  # fmt: skip
# Names that JSON-LD reads as others, such as `@id` and `as:actor`.
ALIASES = ("@", ":")
# What is the server's to say of an activity, and of an object of its author's.
SERVERS = frozenset(
    {"id", "actor", "attributedTo", "published", "updated", "inbox", "outbox", "to", "cc"}
)
# What a collection has besides its name, and what of that the server says.
MEMBERS = ("orderedItems", "items")
PAGING = frozenset({"current", "first", "last", "next", "partOf", "prev", "totalItems"})
# What is not taken back by an Undo.
LASTING = frozenset(
    {
        "Accept", "Add", "Create", "Delete", "Flag", "Move", "QuoteRequest", "Reject", "Remove",
        "Undo", "Update",
    }
)  # fmt: skip
WHOLE = "object"  # where a Create has what is new
TOO_LARGE = f"What has no meaning here is at most {MAX_BYTES // 1024} kB long."


async def tell_on(asked: Asked) -> Done:
    """Keep an activity and tell it to those whom it is for."""
    document = {k: v for k, v in _clean(asked.document).items() if k not in SERVERS}
    document["type"] = asked.activity.type  # of several, the first
    for name in ("object", "target", "origin", "instrument", "result"):
        if name in document:
            document[name] = _named(document[name])
    return await _tell(asked, asked.audience(), document)


async def dislike(asked: Asked) -> Done:
    """Say that one does not like a post. Its author is told; nobody counts it here. Disliked twice,
    the first Dislike is the answer."""
    status = await asked.post()
    async with asked.easel.database.read() as session:
        author = await session.get_one(Account, status.account_id)
        before = await activities.done_to(session, asked.author, "Dislike", status.uri)
    if before is not None:
        return _done(before)
    addressed = asked.audience()
    whom = (
        Audience("direct", (author.uri,), (), (author.uri,), ()) if not addressed.to else addressed
    )
    document = {"type": "Dislike", "object": status.uri}
    if asked.activity.content:
        document["content"] = text.sanitise(asked.activity.content)
    return await _tell(asked, whom, document)


async def create(asked: Asked, object_: Document, holding: Sequence[str] = ()) -> Done:
    """Keep an object of a type that means nothing here, under an id of ours.

    Args:
        holding: of a collection, the ids of what is in it, the newest first.
    """
    addressed = audience.read([asked.document, object_], asked.author.followers_uri)
    fresh = {k: v for k, v in _clean(object_).items() if k not in SERVERS}
    fresh["type"] = envelope.kind(object_)  # of several, the first
    return await _tell(asked, addressed, {"type": "Create", WHOLE: fresh}, holding, mint=True)


async def _tell(
    asked: Asked,
    addressed: Audience,
    document: Document,
    holding: Sequence[str] = (),
    *,
    mint: bool = False,
) -> Done:
    found = await finding.addressees(asked.easel, asked.author, addressed)
    people = [*found.people.values(), *found.members]
    terms = further_terms(asked.document.get("@context"))
    if mint:
        terms = terms or further_terms(asked.document[WHOLE].get("@context"))
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        said = {"to": list(addressed.to), "cc": list(addressed.cc)}
        by = {"published": values.stamp(tx.now), **{k: v for k, v in said.items() if v}}
        whole = {
            **document,
            "id": activities.mint_uri(tx, author),
            "actor": author.uri,
            **by,
            **({TERMS: list(terms)} if terms else {}),
        }
        if mint:
            uri = activities.mint_object_uri(tx, author)
            whole[WHOLE] = {**document[WHOLE], "id": uri, "attributedTo": author.uri, **by}
        _check(whole)
        row = await activities.keep(
            tx,
            author,
            whole,
            visibility=addressed.visibility,
            recipients=[who.id for who in people],
        )
        if holding:
            await collections.add(tx, row, holding)
        await tell(tx, "activity", activity_id=row.id)
        named = [who.uri for who in people]
        for_followers = addressed.visibility != "direct"
        await extensions.keep(tx, author, whole, named, for_followers=for_followers)
        return _done(row)


async def update(asked: Asked, uri: str, object_: Document) -> Done:
    """Change an object of a type that means nothing here."""
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        row = await _creation(tx, author, uri)
        auth.demand(asked.who, *scopes(row))
        held = row.document[WHOLE]
        if collections.is_collection(row):
            object_ = without_members(object_)
        changes = {k: v for k, v in _clean(object_).items() if k not in {*SERVERS, "type"}}
        whole = {**held, **changes, "updated": values.stamp(tx.now)}
        whole = {name: value for name, value in whole.items() if value is not None}
        row.document = {**row.document, WHOLE: whole}
        _check(row.document)
        tx.add(row)
        await tx.flush()
        await extensions.change(tx, author, whole)
        return await follow_up(
            tx, author, row, made.update(activities.mint_uri(tx, author), author.uri, whole)
        )


async def delete(tx: Transaction, asked: Asked, author: Account, uri: str) -> Done:
    """Take back an object of a type that means nothing here."""
    row = await _creation(tx, author, uri)
    auth.demand(asked.who, *scopes(row))
    former = row.document[WHOLE].get("type")
    stone = Tombstone(id=uri, former_type=former, deleted=tx.now)
    await collections.remove(tx, row)
    row.undone_at = tx.now
    row.document = {**row.document, WHOLE: stone.document()}
    tx.add(row)
    await tx.flush()
    await extensions.forget(tx, author, uri)
    to, cc = _addressed(row)
    gone_uri = activities.mint_uri(tx, author)
    gone = made.delete(gone_uri, author.uri, uri, to=to, cc=cc, former_type=former, deleted=tx.now)
    return await follow_up(tx, author, row, gone)


async def undo(tx: Transaction, author: Account, row: OutboxActivity) -> Done:
    """Take back an activity that was only told."""
    if row.type in LASTING:
        raise Invalid(f"{row.type} cannot be undone: say what is to be instead.")
    read = Activity.parse(row.document)
    row.undone_at = tx.now
    tx.add(row)
    await extensions.forget(tx, author, row.uri)
    return await follow_up(tx, author, row, made.undo(f"{row.uri}/undo", read))


async def follow_up(
    tx: Transaction, author: Account, row: OutboxActivity, activity: Activity
) -> Done:
    """Tell something of what was told, to the same people."""
    terms = row.document.get(TERMS, ())
    document = {**activity.document(), **({TERMS: terms} if terms else {})}
    # What an Update brings is read where it is, and is told as it is by then.
    brief = document | ({"object": activity.object_id} if activity.type == "Update" else {})
    kept = await activities.keep(
        tx, author, brief, visibility=row.visibility, recipients=row.recipients
    )
    await tell(tx, "activity", activity_id=kept.id)
    return Done(activity.document(), terms=tuple(terms))


def scopes(row: OutboxActivity) -> tuple[str, ...]:
    """What a token must allow to change an object; one of several is enough."""
    further = ("write:collections",) if collections.is_collection(row) else ()
    return ("write:statuses", *further)


def without_members(object_: Document) -> Document:
    """What an app says of a collection besides what is in it: pages and counts are the server's.

    Raises:
        Invalid: it says what is in it.
    """
    if any(object_.get(name) for name in MEMBERS):
        raise Invalid("What is in a collection is changed by Add and Remove.")
    return {name: value for name, value in object_.items() if name not in {*MEMBERS, *PAGING}}


async def _creation(tx: Transaction, author: Account, uri: str) -> OutboxActivity:
    """What brought an object of the author's.

    Raises:
        NotFound: nobody did, or it is gone, or it is not for them to see.
        NotAllowed: somebody else did.
    """
    found = await activities.creation_of(tx, uri)
    if found is not None and found.account_id == author.id and found.undone_at is None:
        if envelope.kind(found.document[WHOLE]) == "Note":
            raise Invalid("A vote stays as it is.")
        return found
    theirs = found is not None and await activities.load(tx, author, found.uri) is not None
    if theirs and found is not None and found.account_id != author.id:
        raise NotAllowed("That is somebody else's.")
    raise NotFound("There is no such thing of yours.")


def _done(row: OutboxActivity) -> Done:
    sent = extension(row)
    return Done(sent.document(), terms=sent.terms)


def _addressed(row: OutboxActivity) -> tuple[Sequence[str], Sequence[str]]:
    return row.document.get("to", ()), row.document.get("cc", ())


def _check(document: Document) -> None:
    if len(json.encode(document)) > MAX_BYTES:
        raise Invalid(TOO_LARGE)


def _named(value: Any) -> Any:
    """Objects that have an id, by that id alone: what they say is their own server's to tell."""
    if isinstance(value, list):
        return [_named(entry) for entry in value]
    if isinstance(value, Mapping) and isinstance(value.get("id"), str):
        return value["id"]
    return value


def _clean(value: Any, depth: int = 0) -> Any:
    """JSON without what no app says, its HTML made harmless. What has an id of its own, deeper in
    it, is named by that id alone: else it would stand at an address of ours as if it were true."""
    if depth > MAX_DEPTH:
        raise Invalid(f"What has no meaning here is nested at most {MAX_DEPTH} deep.")
    if isinstance(value, Mapping) and depth and isinstance(value.get("id"), str):
        return value["id"]
    if isinstance(value, Mapping):
        return {
            name: _text(name, entry, depth)
            for name, entry in value.items()
            if name not in NEVER and not any(sign in name for sign in ALIASES)
        }
    if isinstance(value, list):
        return [_clean(entry, depth + 1) for entry in value]
    return value


def _text(name: str, value: Any, depth: int) -> Any:
    if name in MARKUP and isinstance(value, str):
        return text.sanitise(value)
    if name in MAPS and isinstance(value, Mapping):
        return {k: text.sanitise(v) for k, v in value.items() if isinstance(v, str)}
    return _clean(value, depth + 1)
