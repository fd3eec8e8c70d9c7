"""Pictures that belong to somebody: stored as files, kept as rows, shown by address.

Files are stored before the row that names them is committed, so that no row ever names a file
that is not there; a file whose row never came is garbage, and harms nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from sqlmodel import col, select

from fedi import __version__, logs
from fedi.database import Session, Transaction
from fedi.database.tables import Account, MediaAttachment, Painting
from fedi.settings import InstanceSettings, MediaSettings
from fedi.social import forgetting
from fedi.social.errors import Invalid
from fedi.storage import Storage, new_key
from fedi.studio import pictures
from fedi.studio.pictures import Prepared
from generation import apart, credentials, provenance
from generation.catalogue import is_folder
from generation.certificates import Certified
from generation.credentials import Claim, CredentialsError, Parent
from generation.protocol import Finished
from generation.provenance import Format
from generation.recipe import MAX_SIDE, Recipe

SOFTWARE = f"Easel {__version__}"
HELD = "held"  # how the keys of files end that are not served: none of `web.files.MEDIA_TYPES`
MAX_DESCRIPTION = 10_000  # characters of alt text; Mastodon 4.6 cuts there
# What a painter may send: any recipe's largest picture, whatever this host's limits say today.
MAX_PAINTED_PIXELS = MAX_SIDE * MAX_SIDE

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture whose two files are on the disk."""

    file: str
    preview_file: str
    prepared: Prepared

    def document(self) -> dict[str, Any]:
        """All but the files' bytes, as JSON-able builtins."""
        prepared = self.prepared
        return {
            "file": self.file,
            "preview_file": self.preview_file,
            "format": prepared.format,
            "width": prepared.width,
            "height": prepared.height,
            "blurhash": prepared.blurhash,
            "digest": prepared.digest,
        }


def address(instance: InstanceSettings, key: str) -> str:
    """Where everybody can read the file under a storage key."""
    return f"{instance.url}/media/{key}"


def object_uri(account: Account, media_id: int) -> str:
    """The id of a picture as an ActivityPub object, before and after it is posted."""
    return f"{account.uri}/uploads/{media_id}"


def key_of(instance: InstanceSettings, url: str) -> str | None:
    """The storage key that an address of ours names; None for any other address."""
    start = f"{instance.url}/media/"
    return url.removeprefix(start) if url.startswith(start) else None


async def store(storage: Storage, prepared: Prepared, *, held: bool = False) -> Stored:
    """Put both files of a picture on the disk, under fresh keys.

    Args:
        held: under keys that no address leads to.
    """
    file = new_key(HELD if held else prepared.ending)
    small = new_key(HELD if held else "webp")
    await storage.put(file, prepared.content)
    await storage.put(small, prepared.preview)
    return Stored(file, small, prepared)


async def discard(storage: Storage, stored: Stored) -> None:
    """Remove files that no row will ever name."""
    await storage.delete(stored.file)
    await storage.delete(stored.preview_file)


async def prepare_upload(content: bytes, settings: MediaSettings) -> Prepared:
    """What somebody uploaded, decoded in a thread and encoded anew without its metadata, but with
    its honest label.

    Raises:
        Invalid: it is no picture that we take; the sentence says why.
    """
    return await asyncio.to_thread(
        pictures.prepare_upload,
        content,
        settings.max_upload_mb * 1_000_000,
        settings.max_megapixels * 1_000_000,
    )


async def prepare_painting(
    picture: bytes,
    finished: Finished,
    painting: Painting,
    creator: str,
    by: Certified,
    parent: Parent | None = None,
    *,
    training: bool = False,
) -> Prepared:
    """A finished painting with its origin written into its files, and signed, in a thread.

    Args:
        picture: what the painter sent.
        finished: what it said of it, with the alt text that it is to have.
        creator: the handle of who asked for it, `alice@easel.example`.
        by: who signs (`social.seals`).
        parent: the post that it is a remix of, with its picture.
        training: whether who asked for it lets others train on it.

    Raises:
        Invalid: it is no picture.
        CredentialsError: it cannot be signed.
    """
    source = provenance.source_type(finished.recipe)
    stamp = partial(
        provenance.stamp,
        recipe=finished.recipe,
        model=finished.model,
        model_version=finished.model_version,
        alt_text=finished.description,
        creator=creator,
        share_recipe=painting.share_recipe,
        software=SOFTWARE,
        sampler=finished.sampler,
        upscaler=finished.upscaler,
        source_type=source,
        parent=parent.uri if parent else "",
        training=training,
    )
    # A preview names the parent alone, whose credentials may be larger than the preview.
    named = (Parent(uri=parent.uri),) if parent else ()
    claim = Claim(
        model=finished.model,
        model_version=finished.model_version,
        software=SOFTWARE,
        recipe=published_recipe(finished.recipe) if painting.share_recipe else None,
        training=training,
        source_type=source,
        parents=named,
        upscaler=finished.upscaler,
    )

    def named_only(image: bytes, format: Format) -> bytes:
        stamped = stamp(image, format=format)
        return credentials.sign(stamped, provenance.MEDIA_TYPES[format], claim, by)

    def with_parent(image: bytes, format: Format) -> bytes:
        """With the parent's file, which may be a stranger's."""
        assert parent is not None
        whole = msgspec.structs.replace(claim, parents=(parent,))
        stamped = stamp(image, format=format)
        return apart.sign(stamped, provenance.MEDIA_TYPES[format], whole, by)

    prepare = partial(pictures.prepare_painting, picture, MAX_PAINTED_PIXELS)
    if parent is not None and parent.picture:
        try:
            return await asyncio.to_thread(prepare, with_parent, named_only)
        except (CredentialsError, Invalid) as error:
            # The parent's file has credentials that are damaged, or too large.
            log.info("parent_not_embedded", parent=parent.uri, reason=str(error))
    return await asyncio.to_thread(prepare, named_only, named_only)


def may_be_trained_on(
    author: Account, painting: Painting, recipe: Recipe, said: bool | None = None
) -> bool:
    """Whether others may train on what is painted: its author said so, and it is made of words
    alone. What is in a picture that another began with may not be theirs to give away.

    Args:
        said: what the post says that it is for; None: nothing.
    """
    of_words = provenance.source_type(recipe) == provenance.TRAINED_ALGORITHMIC_MEDIA
    consents = author.training_consent_at is not None if said is None else said
    return consents and of_words and painting.based_on_uri is None


def add_upload(
    tx: Transaction,
    account: Account,
    stored: Stored,
    *,
    description: str = "",
    focus: tuple[float, float] | None = None,
) -> MediaAttachment:
    """The row of an upload, unattached until a post takes it. What the file said of a machine
    that made it is said by the post, too."""
    label = stored.prepared.label
    return _add(
        tx,
        account,
        stored,
        description=description,
        focus=focus,
        digital_source_type=label.source_type or None,
        ai_system=label.system,
        ai_system_version=label.version,
    )


def add_painting(
    tx: Transaction, account: Account, stored: Stored, painting: Painting, finished: Finished
) -> MediaAttachment:
    """The row of a finished painting. What it says to others keeps the recipe to itself,
    unless its author shares it."""
    shared = painting.share_recipe
    return _add(
        tx,
        account,
        stored,
        id=painting.id,  # so that it could be named before it was there (`social.pending`)
        description=finished.description,
        described_by=finished.described_by,
        sensitive=painting.sensitive,
        digital_source_type=provenance.source_type(finished.recipe),
        ai_system=finished.model,
        ai_system_version=finished.model_version,
        ai_prompt=prompt_information(finished.recipe) if shared else "",
        recipe=published_recipe(finished.recipe).document(),
        share_recipe=shared,
        painting_id=painting.id,
    )


NEGATIVE = "\nNegative prompt: "


def prompt_information(recipe: Recipe) -> str:
    """Both prompts in one text, as IPTC's AIPromptInformation wants them."""
    return recipe.prompt + (NEGATIVE + recipe.negative_prompt if recipe.negative_prompt else "")


def published_recipe(recipe: Recipe) -> Recipe:
    """The recipe without a folder of this host's in it: empty is the host's own model."""
    return (
        Recipe.from_document({**recipe.document(), "model": ""})
        if is_folder(recipe.model)
        else recipe
    )


def checked_description(text: str) -> str:
    """Alt text as it is stored.

    Raises:
        Invalid: it is too long.
    """
    if len(text) > MAX_DESCRIPTION:
        raise Invalid(f"The description is too long: at most {MAX_DESCRIPTION} characters.")
    return text.strip()


async def unattached(session: Session, account: Account, key: str) -> MediaAttachment:
    """The picture of this account under a storage key, if no post has it yet.

    Raises:
        Invalid: there is none.
    """
    found = await session.exec(
        select(MediaAttachment).where(
            col(MediaAttachment.file) == key,
            col(MediaAttachment.account_id) == account.id,
            col(MediaAttachment.status_id).is_(None),
        )
    )
    media = found.first()
    if media is None:
        raise Invalid("There is no such picture of yours that could be attached.")
    return media


async def forget(tx: Transaction, account: Account, ids: Sequence[int]) -> int:
    """Delete those of an account's pictures that no post has, with their files.

    Returns:
        How many there were: what was posted in the meantime stays.
    """
    return await forgetting.drop_media(
        tx,
        col(MediaAttachment.id).in_(ids)
        & (col(MediaAttachment.account_id) == account.id)
        & col(MediaAttachment.status_id).is_(None),
    )


def _add(
    tx: Transaction,
    account: Account,
    stored: Stored,
    *,
    description: str,
    id: int | None = None,
    focus: tuple[float, float] | None = None,
    **rest: Any,
) -> MediaAttachment:
    prepared = stored.prepared
    media = MediaAttachment(
        id=id or tx.new_id(),
        account_id=account.id,
        file=stored.file,
        preview_file=stored.preview_file,
        media_type=prepared.media_type,
        width=prepared.width,
        height=prepared.height,
        size=len(prepared.content),
        blurhash=prepared.blurhash,
        digest=prepared.digest,
        description=description,
        focus_x=focus[0] if focus else None,
        focus_y=focus[1] if focus else None,
        created_at=tx.now,
        **rest,
    )
    tx.add(media)
    return media
