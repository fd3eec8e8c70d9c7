"""QuoteRequest: a post of one's own asks the author of another to be let quote it (FEP-044f).

The quoting post is the `instrument`. Embedded, it is published first, as one that quotes the
`object`; named, the author of what it quotes is asked once more.
"""

from __future__ import annotations

from activitypub.objects import Activity
from fedi.api.client import finding, submission
from fedi.api.client.activities import creating
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.database.tables import Account, Quote, Status
from fedi.social import activities, quotes, statuses
from fedi.social.errors import Invalid, NotFound
from fedi.social.outbound import tell

QUOTES_ANOTHER = "That post does not quote the other."


async def request(asked: Asked) -> Done:
    """Ask to quote."""
    quoted = await asked.post()
    if quoted.reblog_of_id is not None:
        raise Invalid("A boost cannot be quoted: name the post that was boosted.")
    embedded = asked.document.get("instrument")
    uri = asked.activity.instrument
    published = isinstance(embedded, dict) and uri is None
    if isinstance(embedded, dict) and published:
        # Whom the request is for, the post need not be for.
        if submission.parsed(embedded).quote not in {None, quoted.uri}:  # before it is published
            raise Invalid(QUOTES_ANOTHER)
        done = await creating.publish(asked, embedded, {}, quoting=quoted.uri)
        if done.headers:  # it waits for its picture, and asks when that is there
            return done
        uri = done.document["object"]["id"]
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        status = await statuses.load_by_uri(tx, author, uri or "")
        row = await tx.get(Quote, status.id) if status is not None else None
        if status is None or status.account_id != author.id:
            raise NotFound(finding.NO_POST)
        if row is None or row.quoted_id != quoted.id:
            raise Invalid(QUOTES_ANOTHER)
        theirs = await tx.get_one(Status, quoted.id)
        whom = await tx.get_one(Account, theirs.account_id)
        if row.request_uri and row.state == quotes.PENDING and not published:
            await tell(tx, "request_quote", status_id=status.id)
        made = Activity(
            id=row.request_uri or activities.mint_uri(tx, author),
            type="QuoteRequest",
            actor=author.uri,
            object_id=theirs.uri,
            instrument=status.uri,
            to=(whom.uri,),
        )
        return await keep(tx, author, made, recipients=[whom])
