"""One picture of a dataset: its file, and what is said of it.

    {"key": "5c1f…", "file": "5c1f….png", "sha256": …, "width": 640, "height": 480, "media_type": …,
     "description": alt text, "described_by": "" (its author) or the model that wrote it,
     "prompt": null | …, "recipe": null | {…},       only where the author shares the recipe
     "model": …, "digital_source_type": null | …, "language": null | "en",
     "reactions": {"favourites": 2, "boosts": 1, "replies": 0, "emoji": {"🔥": 3}},
     "author": {"name": "alice@easel.example"} or {"pseudonym": "author-…"},
     "url": the post, null without a name, "created_at": …,
     "licence": an SPDX identifier, "consent": {"by": "account" | "post", "at": …},
     "safety": {"sensitive": false, "warning": ""}}

Who is not named is not named by the file either: what it says of its maker is taken out, and what
remains is where it comes from, and that it may be trained on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Status
from fedi.runtime import Easel
from fedi.settings import InstanceSettings
from fedi.social import reactions
from fedi.social.training import pseudonyms, standing
from fedi.social.training.choices import TRAINING_ALONE
from fedi.studio import pictures
from generation import provenance
from generation.relabelling import relabel

_MOST_PIXELS = pictures.MAX_PIXELS + pictures.MAX_SIDE  # as it was written here, and rounding

Offered = tuple[MediaAttachment, Status, Account]


async def documents(
    session: Session, instance: InstanceSettings, found: Sequence[Offered], key: bytes
) -> list[dict[str, Any]]:
    """What is said of some pictures that are offered, but for their files.

    Args:
        key: of `pseudonyms.secret`.
    """
    reacted = await reactions.of_statuses(session, list({status.id for _, status, _ in found}))
    return [
        {
            "key": pseudonyms.picture(key, media.id),
            "width": media.width,
            "height": media.height,
            "media_type": media.media_type,
            "description": media.description,
            "described_by": media.described_by,
            "prompt": media.ai_prompt if media.share_recipe else None,
            "recipe": media.recipe if media.share_recipe else None,
            "model": media.ai_system,
            "digital_source_type": media.digital_source_type,
            "language": status.language,
            "reactions": {
                "favourites": status.favourites_count,
                "boosts": status.reblogs_count,
                "replies": status.replies_count,
                "emoji": {
                    f":{name}:" if url else name: count
                    for (name, url), count in sorted(
                        reacted.get(status.id, {}).items(), key=lambda entry: entry[0][0]
                    )
                },
            },
            **_credit(instance, status, author, key),
            "created_at": _moment(status.created_at),
            "licence": author.training_licence or TRAINING_ALONE,
            "consent": _consent(author, status),
            "safety": _safety(media, status, author),
        }
        for media, status, author in found
    ]


def with_file(document: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    """What is said of a picture, with its file named."""
    ending = pictures.FORMATS_BY_TYPE[document["media_type"]]
    digest = hashlib.sha256(content).hexdigest()
    return {**document, "file": f"{document['key']}.{ending}", "sha256": digest}


async def picture(
    easel: Easel, media: MediaAttachment, turn: AbstractAsyncContextManager[None]
) -> bytes:
    """The file of a picture as it is given away.

    Args:
        turn: of the gate (`studio.gate`): it may have to be decoded.

    Raises:
        Missing: there is none.
        Busy: too many wait for a turn.
    """
    assert media.file is not None
    content = await easel.storage.read(media.file)
    painted = bool(media.recipe)
    async with turn:
        return await asyncio.to_thread(_bared, content, media.media_type, painted, _label(media))


def _bared(content: bytes, media_type: str, painted: bool, packet: bytes) -> bytes:
    if media_type == "image/png":
        return relabel(content, packet)
    if not painted:
        return content  # what was uploaded says nothing of its author already
    return pictures.still(pictures.decoded(content, pictures.MAX_BYTES, _MOST_PIXELS), packet)


def _label(media: MediaAttachment) -> bytes:
    return provenance.label(
        media.digital_source_type or "",
        media.ai_system,
        media.ai_system_version,
        mining=provenance.MINING_ALLOWED,
    )


def _credit(
    instance: InstanceSettings, status: Status, author: Account, key: bytes
) -> dict[str, Any]:
    if author.training_credit == "name":
        named = {"name": f"{author.username}@{instance.domain}"}
        return {"author": named, "url": status.url or status.uri}
    return {"author": {"pseudonym": pseudonyms.author(key, author.id)}, "url": None}


def _consent(author: Account, status: Status) -> dict[str, Any]:
    by, at = standing.since(author, status)
    return {"by": by, "at": None if at is None else _moment(at)}


def _safety(media: MediaAttachment, status: Status, author: Account) -> dict[str, Any]:
    marked = status.sensitive or media.sensitive or author.sensitized_at is not None
    return {"sensitive": marked, "warning": status.spoiler_text}


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
