"""What came in, as the activities that it was."""

from __future__ import annotations

from typing import Any

import msgspec

from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Session
from fedi.database.tables import Account, Follow, InboxActivity, Reaction
from fedi.federation.documents.posts import create_document
from fedi.federation.outgoing.posts import announce_of
from fedi.federation.translate import mirrored
from fedi.social.inboxes import Came, Done
from fedi.social.posts import Post


async def activity(session: Session, account: Account, came: Came) -> dict[str, Any]:
    """The activity that brought something.

    Args:
        account: whose inbox it is in.
    """
    if isinstance(came, InboxActivity):
        return came.document
    if isinstance(came, Done):
        return _done(account, came).document()
    if came.status.reblog_of_id is not None:
        made = await announce_of(session, came.status, came.account)
        assert made is not None  # what it boosts goes only together with it
        return _addressed(made).document()
    return create(session, came)


def create(session: Session, post: Post) -> dict[str, Any]:
    """The Create of a post, with the id that one from elsewhere came with. What was never sent here
    (somebody looked it up) has none: it is wrapped so that it can be read."""
    if post.status.local:
        return create_document(session, post)
    note = mirrored.note(post, session.instance, session.now).document()
    made = activities.create("", post.account.uri, note)
    return msgspec.structs.replace(made, id=post.status.create_uri).document()


def _done(account: Account, came: Done) -> Activity:
    row = came.row
    if isinstance(row, Follow):
        return activities.follow(row.uri, came.actor.uri, account.uri)
    made = activities.like(row.uri, came.actor.uri, came.status_uri, to=[account.uri])
    if isinstance(row, Reaction):
        content = f":{row.name}:" if row.url else row.name
        return msgspec.structs.replace(made, content=content)
    return made


def _addressed(made: Activity) -> Activity:
    """Without the collections that its actor's server did not tell us of."""
    to, cc = (tuple(filter(None, uris)) for uris in (made.to, made.cc))
    return msgspec.structs.replace(made, to=to, cc=cc)
