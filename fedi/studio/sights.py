"""What is known of pictures that somebody writes about: what a model sees in them, and what a
classifier says.

Of a picture that was painted here both were said when it was made. What is lacking, a connected
painter is asked for (`assistance`): it is given the small rendition, which we have made ourselves.
Nothing of what it says is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

import msgspec
from sqlmodel import col, select

from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting
from fedi.settings import PaintingSettings
from fedi.social import drafts, text
from fedi.social.errors import NotFound
from fedi.storage import Missing, Storage
from fedi.studio import descriptions
from generation import languages
from generation.protocol import Judgement, Looked

NO_PICTURE = "There is no such picture of yours."


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture, and what is known of it.

    Attributes:
        seen: what a model sees in it; empty if none was asked, or what it says may not be said.
        by: which model.
        judgement: None if no classifier looked at it.
        doubtful: a rule says that not everybody should see it.
    """

    media: MediaAttachment
    seen: str = ""
    by: str = ""
    judgement: Judgement | None = None
    doubtful: bool = False

    @property
    def prompt(self) -> str:
        """What it was painted from; empty if it was not painted here."""
        return str((self.media.recipe or {}).get("prompt") or "")


async def find(
    session: Session, account: Account, media_ids: Sequence[int], language: str
) -> list[Sight]:
    """An account's own pictures, posted or not, in the order asked for.

    Args:
        language: what a model sees is wanted in (BCP 47); empty: any.

    Raises:
        Invalid: they are too many.
        NotFound: one is not there, or somebody else's.
    """
    wanted = list(dict.fromkeys(media_ids))
    drafts.check_media_count(wanted)
    if not wanted:
        return []
    rows = await session.exec(
        select(MediaAttachment, Painting)
        .outerjoin(Painting, col(Painting.id) == col(MediaAttachment.painting_id))
        .where(
            col(MediaAttachment.id).in_(wanted),
            col(MediaAttachment.account_id) == account.id,
            col(MediaAttachment.file).is_not(None),
        )
    )
    found = {media.id: _known(media, painting, language) for media, painting in rows.all()}
    if len(found) != len(wanted):
        raise NotFound(NO_PICTURE)
    return [found[number] for number in wanted]


def _known(media: MediaAttachment, painting: Painting | None, language: str) -> Sight:
    """What was said of it when it was made."""
    sight = Sight(media, doubtful=media.sensitive)
    if painting is not None and painting.judgement is not None:
        sight = replace(sight, judgement=msgspec.convert(painting.judgement, Judgement))
    spoken = "" if painting is None else languages.primary(painting.language)
    understood = not language or spoken in ("", languages.primary(language))
    if media.described_by not in ("", descriptions.PROMPT) and understood:
        sight = replace(sight, seen=media.description, by=media.described_by)
    return sight


def lacking(sights: Sequence[Sight]) -> frozenset[str]:
    """What nobody has said yet of one of some pictures: `describes`, `judges`."""
    lacks = {
        "describes": any(not one.seen for one in sights),
        "judges": any(one.judgement is None for one in sights),
    }
    return frozenset(name for name, missing in lacks.items() if missing)


async def read(storage: Storage, sights: Sequence[Sight]) -> dict[str, bytes]:
    """The files that a painter is shown, by the pictures' ids; without those that are gone."""
    found = {}
    for one in sights:
        media = one.media
        # Its author may have chosen quite another picture for where it is small.
        small = media.preview_file if media.preview_width is None else None
        try:
            found[str(media.id)] = await storage.read(small or media.file or "")
        except Missing:
            continue
    return found


def told(sights: Sequence[Sight], looked: Looked, settings: PaintingSettings) -> list[Sight]:
    """Pictures with what a painter said of them. What was known before stays."""
    by = text.name(looked.described_by, descriptions.MAX_NAME)
    return [_told(one, looked, by, settings) for one in sights]


def _told(one: Sight, looked: Looked, by: str, settings: PaintingSettings) -> Sight:
    said = looked.seen.get(str(one.media.id))
    if said is None:
        return one
    if one.judgement is None and said.judgement is not None and isfinite(said.judgement.score):
        one = replace(one, judgement=said.judgement)
    if not one.seen and by:
        seen = descriptions.sayable(said.description, settings)
        doubtful = one.doubtful or descriptions.doubtful(said.description, settings)
        one = replace(one, seen=seen, by=by if seen else "", doubtful=doubtful)
    return one
