"""An activity that an app posted, with all that its handler needs; and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from activitypub.objects import Activity
from fedi.api.auth import Caller
from fedi.api.client import audience, envelope, finding
from fedi.api.client.audience import Audience
from fedi.api.client.envelope import Document
from fedi.database import Transaction
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social import activities


@dataclass(frozen=True, slots=True)
class Done:
    """What is answered: the activity, as everybody who may see it gets it; its id is `Location`.

    `terms` are added to our @context.
    """

    document: Document
    headers: Mapping[str, str] = field(default_factory=dict)
    terms: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks for.

    Attributes:
        who: whose outbox it was posted to, and what their app may do.
        document: the activity; its id and its actor are the app's claims, and passed over.
        activity: the same, read.
    """

    easel: Easel
    who: Caller
    document: Document
    activity: Activity

    @property
    def author(self) -> Account:
        """Whose outbox it was posted to, as they were when the request came."""
        return self.who.account

    async def whom(self, tx: Transaction) -> Account:
        """The author, in a transaction that changes something of theirs."""
        return await tx.get_one(Account, self.author.id)

    async def person(self) -> Account:
        """The account that is named as the object."""
        return await finding.person(self.easel, self.activity.object_id)

    async def post(self) -> Status:
        """The post that is named as the object, as far as the author may see it."""
        return await finding.post(self.easel, self.author, self.activity.object_id)

    def audience(self) -> Audience:
        """Whom the activity is for, by its own words: what it is done to may be for others."""
        return audience.read([self.document], self.author.followers_uri)

    def inner(self) -> Document:
        """The object, which must be embedded."""
        return envelope.inner(self.document)


async def keep(
    tx: Transaction,
    author: Account,
    made: Activity,
    *,
    visibility: str = "direct",
    recipients: Sequence[Account] = (),
) -> Done:
    """Keep an activity of the author's, without what it embeds: that is read where it is."""
    document = made.document()
    brief = {**document, "object": made.object_id} if made.type == "Update" else document
    ids = [person.id for person in recipients]
    await activities.keep(tx, author, brief, visibility=visibility, recipients=ids)
    return Done(document)
