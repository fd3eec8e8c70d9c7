"""Client ids that are addresses: the document of an app is fetched when somebody is asked to let
it in. How it is judged says `social.client_documents`."""

from __future__ import annotations

from datetime import timedelta

from activitypub.client import FetchError
from activitypub.context import ACTIVITY_JSON, LD_JSON
from fedi.runtime import Easel
from fedi.social import applications, client_documents, domains
from fedi.social.errors import Invalid

# The draft recommends 5 kB for metadata; objects come with contexts and descriptions.
MAX_DOCUMENT = 32 * 1024
FRESH = timedelta(hours=1)  # what an app changes in its document holds so much later at most
ACCEPT = f"application/json, {ACTIVITY_JSON}, {LD_JSON}"


async def ready(easel: Easel, client_id: str) -> None:
    """See that an app whose client id is an address is known as its document has it now.

    No redirect is followed: it would let one host speak for another. What cannot be read is not
    remembered, and ends the attempt even for an app that could be read before.

    Raises:
        Invalid: there is no such document, or it does not describe that app.
    """
    client_documents.check_address(client_id)
    async with easel.database.read() as session:
        known = await applications.find(session, client_id)
    described = known.described_at if known is not None else None
    if described is not None and easel.clock.now() - described < FRESH:
        return
    await domains.of(easel)  # the client keeps to them
    try:
        document = await easel.client.get_json(
            client_id, accept=ACCEPT, limit=MAX_DOCUMENT, redirects=0, believes=_is_json
        )
    except FetchError as error:
        raise Invalid(f"The description of the app cannot be read: {error.reason}") from error
    description = client_documents.read(client_id, document)
    async with easel.database.write() as tx:
        await client_documents.keep(tx, description)


def _is_json(content_type: str) -> bool:
    """JSON of some kind: static sites serve `.jsonld` without a profile."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
