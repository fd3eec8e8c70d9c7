"""The inboxes: believed, written down, answered 202, and done later.

What is answered 202 is a row in the queue, in the same transaction as the note that it came.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub import json, origin
from activitypub.context import is_activity_type
from activitypub.errors import Malformed
from activitypub.objects import Activity, Collection, values
from activitypub.objects.collection import COLLECTION_TYPES
from activitypub.signatures import Key, Reason, Refused, Replays, Verified, replay, verify
from activitypub.signatures import Request as SignedRequest
from fedi import logs
from fedi.database import Transaction
from fedi.federation import (
    duplicates,
    hearsay,
    hosts,
    keys,
    newcomers,
    relays,
    remote,
    subscriptions,
    synchronisation,
)
from fedi.jobs import NewJob, enqueue_many
from fedi.runtime import Easel, easel_of
from fedi.social import accounts, domains

MAX_ACTIVITIES = 50  # in one collection; nobody was seen to send more than a handful
UNWELCOME = "This instance does not talk to that server."

# Mastodon 4.6 gives no id to what it says of pinned posts and hashtags. Nobody ever asks for it
# again (ActivityPub 3: such an activity is transient); here it is called after its request.
TRANSIENT = frozenset({"Add", "Remove"})

_KEY_ID = re.compile(r'keyid\s*=\s*"([^"]*)"', re.IGNORECASE)

log = logs.get(__name__)

_replays: WeakKeyDictionary[Easel, Replays] = WeakKeyDictionary()


async def shared_inbox(request: Request) -> Response:
    """`POST /inbox`: for anybody here."""
    return await _receive(request)


async def personal_inbox(request: Request) -> Response:
    """`POST /users/NAME/inbox`: for one account."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        uri = f"{easel.settings.instance.url}/users/{request.path_params['name']}"
        account = await accounts.by_uri(session, uri)
    if account is None:
        raise HTTPException(404, "There is no such account.")
    if account.deleted_at is not None:
        raise HTTPException(410, "That account is deleted.")
    return await _receive(request)


async def _receive(request: Request) -> Response:
    easel = easel_of(request)
    if not easel.settings.federation.enabled:
        raise HTTPException(403, "This instance does not federate.")
    if not is_activity_type(request.headers.get("content-type")):
        raise HTTPException(415, "An activity is sent as application/activity+json.")
    body = await _body(request, easel.settings.federation.max_inbox_kb * 1024)
    try:
        document = json.decode(body, limit=len(body))
        if values.kind(document) in COLLECTION_TYPES:
            return await _receive_many(request, easel, document, body)
        activity = Activity.parse(document)
    except Malformed as error:
        raise HTTPException(400, error.reason) from error
    if await unwelcome(easel, request, activity.actor):
        raise HTTPException(403, UNWELCOME)
    own_end = activity.type == "Delete" and activity.object_id == activity.actor
    if own_end and not await _known(easel, activity.actor):
        return Response(status_code=202)  # somebody whom nobody here ever heard of is gone
    answer = await signed_by(easel, request, body)
    replays = _replays.setdefault(easel, Replays())
    if isinstance(answer, Verified) and replays.seen(answer, easel.clock.now()):
        return Response(status_code=202)
    nameless = activity.id is None and activity.type in TRANSIENT
    if nameless and isinstance(answer, Verified) and answer.owner == activity.actor:
        body = _named(document, answer)
        activity = Activity.parse(document)
    signer = sender = await _author(easel, activity, answer)
    actor = activity.actor
    if actor is not None and actor != signer:
        if await _passed_on(easel, activity, signer):
            return Response(status_code=202)
        found = await hearsay.believed(easel, document, activity, body)
        if isinstance(found, Refused):
            hint = found.reason is Reason.UNPROVEN  # nobody lied yet
            if hint and await hearsay.take(easel, activity, signer):
                return Response(status_code=202)
            raise _refusal(found)
        body, signer = found, actor
        activity = Activity.parse(json.decode(body))
    forbidden = origin.check(activity, signer)
    if forbidden is not None:
        status = 401 if forbidden is origin.Forbidden.NOT_SIGNER else 403
        raise HTTPException(status, f"Refused: {forbidden}.")
    known = await hosts.of(easel)
    known.seen(origin.host(sender) or "")
    came = _Came(known, activity, body, signer, sender, request.headers)
    await easel.database.in_bulk(_write_down, came)
    if isinstance(answer, Verified):
        replays.remember(answer, easel.clock.now())
    return Response(status_code=202)


@dataclass(frozen=True, slots=True)
class _Came:
    """An activity that is believed."""

    hosts: hosts.Hosts
    activity: Activity
    body: bytes
    signer: str
    sender: str
    headers: Headers


async def _write_down(tx: Transaction, several: Sequence[_Came]) -> list[None]:
    """Put what came for the first time into the queue."""
    first = await _queue(
        tx, [(came.activity, came.body, came.signer, came.sender) for came in several]
    )
    for came, is_first in zip(several, first, strict=True):
        if is_first:
            await synchronisation.take(tx, came.sender, came.headers)
    await several[0].hosts.save(tx)
    return [None] * len(several)


async def _queue(
    tx: Transaction, several: Sequence[tuple[Activity, bytes, str, str]]
) -> list[bool]:
    """Ask for what came to be done: each activity, its bytes, who answers for it, and who sent it.

    Returns:
        Whether each came for the first time; else nothing is asked for.
    """
    first = await duplicates.first_times(tx, [(each.actor, each.id) for each, *_ in several])
    jobs = [
        NewJob(
            {"body": body.decode(), "signer": signer}
            | ({"sender": sender} if sender != signer else {}),
            lane=origin.host(signer) or "",
        )
        for (_, body, signer, sender), is_first in zip(several, first, strict=True)
        if is_first
    ]
    await enqueue_many(tx, "incoming", jobs)
    return first


async def _passed_on(easel: Easel, activity: Activity, signer: str) -> bool:
    """Whether a relay passed on what somebody else said: not believed, but looked up."""
    async with easel.database.read() as session:
        if not await relays.is_relay(session, signer):
            return False
    async with easel.database.write() as tx:
        await subscriptions.hint(tx, activity)
    return True


async def _receive_many(
    request: Request, easel: Easel, document: dict[str, Any], body: bytes
) -> Response:
    """A collection of activities, each held to the signature as if it had come alone.

    What an OrderedCollection holds is done from its end: it begins with the newest (ActivityPub 5).
    """
    members = list(Collection.parse(document).items or ())
    if not members or len(members) > MAX_ACTIVITIES:
        raise HTTPException(400, f"A collection here holds 1 to {MAX_ACTIVITIES} activities.")
    if await unwelcome(easel, request):
        raise HTTPException(403, UNWELCOME)
    answer = await signed_by(easel, request, body)
    if isinstance(answer, Refused):
        raise _refusal(answer)
    allowed = []
    for member in reversed(members) if values.kind(document) == "OrderedCollection" else members:
        if isinstance(member, str):
            continue  # only its id: nobody said what it is
        activity = Activity.parse(member)
        forbidden = origin.check(activity, answer.owner)
        if forbidden is not None:
            raise HTTPException(403, f"Refused: {forbidden}.")
        allowed.append((activity, json.encode(member)))
    known = await hosts.of(easel)
    known.seen(origin.host(answer.owner) or "")
    async with easel.database.write() as tx:
        owner = answer.owner
        await _queue(tx, [(activity, alone, owner, owner) for activity, alone in allowed])
        await known.save(tx)
    return Response(status_code=202)


def _named(document: dict[str, Any], answer: Verified) -> bytes:
    """Give an activity without an id one that no other has.

    Returns:
        It, as if it had come so.
    """
    document["id"] = f"{answer.owner}#transient-{replay.digest(answer).hex()}"
    return json.encode(document)


async def _author(easel: Easel, activity: Activity, answer: Verified | Refused) -> str:
    """Who answers for the request.

    Raises:
        HTTPException: nobody does.
    """
    if isinstance(answer, Verified):
        return answer.owner
    # The key may be gone because its owner is. Whose key it was nobody can tell any more, so
    # it is the actor's own server that says so, not the address that the sender names.
    own_end = activity.type == "Delete" and activity.object_id == activity.actor
    actor = activity.actor or ""
    if own_end and answer.reason is Reason.KEY_GONE and await remote.is_gone(easel, actor):
        return actor
    raise _refusal(answer)


def _refusal(refused: Refused) -> HTTPException:
    log.info("activity_refused", reason=refused.reason, detail=refused.detail)
    return HTTPException(refused.status, refused.detail, again(refused))


def again(refused: Refused) -> dict[str, str]:
    """The header that says when to come again, where that may help."""
    return {"Retry-After": str(newcomers.RETRY_AFTER_S)} if refused.status == 503 else {}


async def _body(request: Request, limit: int) -> bytes:
    """The raw body, refused as soon as it is too large."""
    try:
        announced = int(request.headers.get("content-length", "0"))
    except ValueError:
        announced = 0
    if announced > limit:
        raise HTTPException(413, "The activity is too large.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "An activity is sent without a content encoding.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413, "The activity is too large.")
    return bytes(body)


async def unwelcome(easel: Easel, request: Request, actor: str | None = None) -> bool:
    """Whether the sender's domain is suspended, by what it says itself: before anything of it is
    fetched."""
    rules = await domains.of(easel)
    if not rules:
        return False
    named = [actor or "", *_KEY_ID.findall(request.headers.get("signature", ""))]
    named += _KEY_ID.findall(request.headers.get("signature-input", ""))
    return any(rules.suspended(origin.host(uri)) for uri in named)


async def _known(easel: Easel, uri: str | None) -> bool:
    if uri is None:
        return False
    async with easel.database.read() as session:
        return await accounts.by_uri(session, uri) is not None


async def signed_by(easel: Easel, request: Request, body: bytes) -> Verified | Refused:
    """Who signed this request, or why that cannot be told; 503 for who is new among too many."""

    async def find(key_id: str, *, fresh: bool = False) -> Key:
        await newcomers.meet(easel, key_id)
        return await keys.of(easel).find(key_id, fresh=fresh)

    target = request.scope["raw_path"].decode("ascii", "replace")
    if request.scope["query_string"]:
        target += "?" + request.scope["query_string"].decode("ascii", "replace")
    signed = SignedRequest(
        method=request.method,
        target=target,
        headers=[
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.scope["headers"]
        ],
        body=body,
    )
    url = easel.settings.instance.url
    host = origin.host(url)
    assert host is not None
    scheme = url.partition(":")[0]
    try:
        return await verify(signed, find, easel.clock.now(), {host}, scheme=scheme)
    except newcomers.TooMany as many:
        return Refused(reason=Reason.KEY_UNAVAILABLE, detail=many.reason, status=503)


routes: list[BaseRoute] = [
    Route("/inbox", shared_inbox, methods=["POST"]),
    Route("/actor/inbox", shared_inbox, methods=["POST"]),  # the instance's own: relays answer it
    Route("/users/{name}/inbox", personal_inbox, methods=["POST"]),
]
