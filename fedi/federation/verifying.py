"""Pages that somebody names on their profile, and that name them back by `rel="me"`: the
`verify_links` job.

Who can write that into a page is who owns it, so such a field is shown as verified. What is
verified stays so until its field changes, as on Mastodon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from activitypub.client import FetchError
from fedi.database.tables import Account
from fedi.federation import pages
from fedi.jobs import Claimed, Retry, handles
from fedi.runtime import Easel
from fedi.social import domains, profiles
from fedi.social.profiles import VERIFY

MAX_PAGE = pages.MAX_PAGE  # bytes; a longer page verifies nothing
PATIENCE_S = 15.0  # for one page, redirects included


@handles(VERIFY, attempts=4, at_once=2)
async def verify(easel: Easel, job: Claimed) -> None:
    """Look at the pages that were not seen to link back yet."""
    async with easel.database.read() as session:
        account = await session.get(Account, job.payload["account_id"])
    if account is None or account.deleted_at is not None or account.suspended_at is not None:
        return
    await domains.of(easel)  # the client keeps to them
    ours = {address.lower().rstrip("/") for address in (account.url, account.uri) if address}
    seen, failed = set(), False
    for link in profiles.unverified(account):
        try:
            if not ours.isdisjoint(links_back(await _page(easel, link))):
                seen.add(link)
        except FetchError as error:
            failed = failed or not error.permanent
        except TimeoutError:
            failed = True
    if seen:
        async with easel.database.write() as tx:
            await profiles.verified(tx, account.id, seen)
            if not failed:
                await job.finish(tx)
    if failed:
        raise Retry("Not all pages answered.")


async def _page(easel: Easel, link: str) -> str:
    """A page, or nothing if it is none.

    Raises:
        FetchError, TimeoutError: it could not be read.
    """
    async with asyncio.timeout(PATIENCE_S):
        got = await easel.client.get_bytes(link, MAX_PAGE, accept="text/html")
    if got.content_type.partition(";")[0].strip().lower() not in pages.PAGES:
        return ""
    return got.body.decode("utf-8", "replace")  # an address is ASCII in all that pages are in


def links_back(page: str) -> Iterator[str]:
    """The addresses that a page says are the same person as itself, each in lower case and without
    a slash at its end."""
    for element in pages.elements(page, {"a", "link"}):
        if "me" in element.attributes.get("rel", "").lower().split():
            yield element.attributes.get("href", "").strip().lower().rstrip("/")
