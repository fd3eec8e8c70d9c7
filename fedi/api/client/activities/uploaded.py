"""Update of a picture that was uploaded: of its alt text, and of what must stay in sight. If it is
posted, that is an edit of its post."""

from __future__ import annotations

from activitypub.objects import Attachment
from activitypub.objects import activity as made
from fedi import ids
from fedi.api import auth
from fedi.api.client import pictures
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.api.client.envelope import Document
from fedi.database import Transaction
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import activities, statuses
from fedi.social.edits import Further, MediaChange
from fedi.social.errors import NotFound
from fedi.social.statuses import Draft
from fedi.studio import media

NO_PICTURE = "There is no such picture of yours."
SAID = frozenset({"name", "nameMap", "summary", "summaryMap"})


async def update(asked: Asked, uri: str, object_: Document) -> Done:
    """Say something else of a picture of one's own."""
    number = ids.parse(uri.rpartition("/")[2])
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        medium = await tx.get(MediaAttachment, number) if number is not None else None
        if medium is None or medium.account_id != author.id or medium.file is None:
            raise NotFound(NO_PICTURE)
        change = _change(medium, object_)
        if medium.status_id is None:
            auth.demand(asked.who, "write:media", "write:statuses")
            _say(tx, medium, change)
        else:
            auth.demand(asked.who, "write:statuses")
            await _edit(tx, author, await tx.get_one(Status, medium.status_id), change)
        await tx.flush()
        document = pictures.document(tx, author, medium)
        return await keep(
            tx, author, made.update(activities.mint_uri(tx, author), author.uri, document)
        )


def _change(medium: MediaAttachment, object_: Document) -> MediaChange:
    shell = Attachment.parse({**object_, "type": "Image"})
    description = None
    if not SAID.isdisjoint(object_):
        description = media.checked_description(shell.name or "")
    focus = shell.focal_point
    if "focalPoint" in object_ and focus is None:
        focus = (0.0, 0.0)  # the middle, as if nobody had chosen
    return MediaChange(id=medium.id, description=description, focus=focus)


def _say(tx: Transaction, medium: MediaAttachment, change: MediaChange) -> None:
    if change.description is not None and change.description != medium.description:
        medium.description, medium.described_by = change.description, ""
    if change.focus is not None:
        medium.focus_x, medium.focus_y = change.focus
    tx.add(medium)


async def _edit(tx: Transaction, author: Account, status: Status, change: MediaChange) -> None:
    """Change the post that shows the picture; all else of it stays."""
    draft = Draft(
        text=status.source,
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        language=status.language,
    )
    further = Further(media=(change,), same_words=True)
    await statuses.edit(tx, author, status, draft, further)
