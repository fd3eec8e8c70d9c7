"""Leave that the author of a post gives in writing: a document that their own server shows.

`ReplyAuthorization` and its like (GoToSocial), `QuoteAuthorization` (FEP-044f).
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import Activity, Approval, values
from fedi.database.tables import Account, Status
from fedi.federation import remote
from fedi.runtime import Easel


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """What cannot be read is no leave, and is not asked for again.

    Raises:
        Retry: it may be readable later.
    """
    try:
        yield
    except Malformed:
        pass
    except FetchError as error:
        remote.retry(error)


async def holds(
    easel: Easel, stamp: str, types: Collection[str], owner: Account, target: Status, deed: Status
) -> bool:
    """Whether a stamp is of the owner of a post, and for what was done with that post.

    Args:
        stamp: where it is shown.
        types: the types of document that give leave. `Accept` is what GoToSocial 0.17 and 0.18
            wrote; it names what was done, and not with which post.
        owner: the author of `target`, elsewhere.
        target: what is answered or quoted.
        deed: what answers or quotes it.

    Raises:
        FetchError, Malformed: it cannot be read.
    """
    if not origin.same_origin(stamp, owner.uri):
        return False
    got = await easel.client.get_document(stamp, await remote.instance_signer(easel))
    if "Accept" in types and values.kind(got.document) == "Accept":
        accept = Activity.parse(got.document)
        return (accept.id, accept.actor, accept.object_id) == (stamp, owner.uri, deed.uri)
    shown = Approval.parse(got.document)
    return (
        shown.type in types
        and shown.id == stamp
        and shown.attributed_to == owner.uri
        and shown.object == deed.uri
        and shown.target == target.uri
    )
