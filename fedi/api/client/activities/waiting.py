"""Update of a post that waits for its picture: of what it is going to say, and of what is going to
be said of its pictures. Nobody else is told, since nobody else knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlmodel import col, select
from starlette.exceptions import HTTPException

from activitypub.objects import activity as made
from activitypub.objects import values
from fedi.api.client import pictures, submission
from fedi.api.client.activities import staying
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.api.client.envelope import Document
from fedi.database import Transaction
from fedi.database.tables import Account, Painting
from fedi.federation.documents.posts import note_document
from fedi.social import activities, kinds, pending, statuses
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid
from fedi.social.pending import Pending
from fedi.studio import imagine, limits, media

ASKED = "What is painted stays as it was asked for: delete the post, and ask anew."


async def update(tx: Transaction, asked: Asked, object_: Document, waiting: Pending) -> Done:
    """Change a post of one's own that is still to come."""
    author = await asked.whom(tx)
    painting = await tx.get_one(
        Painting, waiting.painting.id, with_for_update=True, populate_existing=True
    )
    if painting.status_id is not None:
        raise Invalid("The picture has just come: say once more what is to be changed.")
    before = note_document(tx, waiting.post, author)
    await staying.check_post(tx, author, waiting.post.status, before, object_)
    draft = _changed(asked, msgspec.convert(painting.draft, Draft), object_, author)
    if "attachment" in object_:
        draft = await _described(tx, author, painting, draft, object_["attachment"])
    await limits.refuse_unpostable(tx, author, draft)
    painting.draft = msgspec.to_builtins(draft)
    painting.language = draft.language or ""
    tx.add(painting)
    await tx.flush()
    after = (await pending.assemble(tx, author, painting)).post
    done = made.update(
        activities.mint_uri(tx, author), author.uri, note_document(tx, after, author)
    )
    return await keep(tx, author, done)


def _changed(asked: Asked, draft: Draft, object_: Document, author: Account) -> Draft:
    """The words of a post, and whatever stands with them."""
    said = object_.keys()
    sensitive = object_.get("sensitive", draft.sensitive)
    note = submission.parsed({**object_, "type": draft.kind, "sensitive": sensitive})
    if not said.isdisjoint({"content", "contentMap", "source"}):
        typed, markdown, content = submission.words(note, object_)
        command = asked.easel.settings.painting.command
        if imagine.read(typed or content, command) is not None:
            raise Invalid(ASKED)
        draft = replace(draft, text=typed, markdown=markdown, content_html=content or None)
    if "summary" in said:
        draft = replace(draft, spoiler_text=submission.warning(note))
    if "interactionPolicy" in said:
        quoters = submission.quoters(note, author.followers_uri) or "public"
        draft = replace(draft, quoters=quoters)
    if draft.kind in kinds.KINDS:
        fresh = submission.details(note, object_)
        kept = {k: v for k, v in (draft.details or {}).items() if k == "file" or k not in said}
        draft = replace(draft, details=kept | {k: v for k, v in fresh.items() if k in said})
    return replace(draft, sensitive=note.sensitive, language=note.language or draft.language)


async def _described(
    tx: Transaction, author: Account, first: Painting, draft: Draft, attachments: Any
) -> Draft:
    """The pictures of the post: those that are there are named by their addresses, and those that
    are still painted stand in their order, without one."""
    entries = [one for one in values.entries(attachments, statuses.MAX_MEDIA + 1) if one]
    if not all(isinstance(entry, str | Mapping) for entry in entries):
        raise HTTPException(400, "An attachment must be an object.")
    rows = await tx.exec(
        select(Painting)
        .where((col(Painting.id) == first.id) | (col(Painting.post_of) == first.id))
        .order_by(col(Painting.id))
    )
    painted = {painting.id: painting for painting in rows.all()}
    to_come = [painting for painting in painted.values() if painting.media_id is None]
    shells = [one for one in entries if isinstance(one, Mapping) and not pictures.address(one)]
    if len(shells) != len(to_come):
        raise Invalid(ASKED)
    for painting, shell in zip(to_come, shells, strict=True):
        _describe(tx, painting, shell)
    media_ids = []
    for picture in pictures.read([one for one in entries if one not in shells])[1]:
        medium = await pictures.of_ours(tx, author, picture)
        pictures.describe(medium, picture)
        tx.add(medium)
        if painted.pop(medium.id, None) is None:
            media_ids.append(medium.id)
    if len(painted) != len(to_come):  # one that is there was left out
        raise Invalid(ASKED)
    return replace(draft, media_ids=media_ids)


def _describe(tx: Transaction, painting: Painting, shell: Mapping[str, Any]) -> None:
    """Give a picture that is painted its alt text.

    Raises:
        Invalid: it is too long, or another picture is asked for.
    """
    prompts = [shell[term] for term in pictures.RECIPE_TERMS["prompt"] if shell.get(term)]
    if any(prompt != painting.recipe.get("prompt") for prompt in prompts):
        raise Invalid(ASKED)
    alt = shell.get("name") or shell.get("summary") or ""
    if not isinstance(alt, str):
        raise HTTPException(400, "The name of an attachment must be text.")
    painting.description = media.checked_description(alt)
    tx.add(painting)
