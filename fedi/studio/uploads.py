"""Pictures that people bring: the one way in, whichever app they use."""

from __future__ import annotations

from fedi.database.tables import Account, MediaAttachment
from fedi.runtime import Easel
from fedi.social import forgetting
from fedi.social.errors import Invalid
from fedi.storage import new_key
from fedi.studio import gate, media
from fedi.studio.pictures import Thumbnail


def largest(easel: Easel) -> int:
    """How many bytes a picture may have."""
    return easel.settings.media.max_upload_mb * 1_000_000


async def take(
    easel: Easel,
    account: Account,
    content: bytes,
    *,
    description: str = "",
    focus: tuple[float, float] | None = None,
    thumbnail: bytes | None = None,
) -> MediaAttachment:
    """Take a picture: decoded in its turn, encoded anew, stored, and kept until a post has it or
    its time is over. It is ready at once: only films take longer, and there are none.

    Args:
        account: whose it is.
        content: the file.
        description: its alt text, checked (`media.checked_description`).
        focus: what must stay in sight, from -1 to 1 to the right and upwards.
        thumbnail: the file of a picture that is shown for it where it is small.

    Raises:
        Invalid: it is no picture that we take; the sentence says why.
    """
    small = None
    async with gate.of(easel).request():
        prepared = await media.prepare_upload(content, easel.settings.media)
        if thumbnail is not None:
            small = await media.prepare_thumbnail(thumbnail, easel.settings.media, prepared.label)
    stored = await media.store(easel.storage, prepared)
    key = new_key("webp")
    if small is not None:
        await easel.storage.put(key, small.content)
    async with easel.database.write() as tx:
        row = media.add_upload(tx, account, stored, description=description, focus=focus)
        if small is not None:
            await media.show_by(tx, row, key, small)
        await tx.flush()
        await forgetting.let_go(tx, [row.id], forgetting.REDRAFT)
    return row


async def take_thumbnail(
    easel: Easel, row: MediaAttachment, content: bytes
) -> tuple[str, Thumbnail]:
    """Take a picture that is to be shown for another of the same person where that is small.

    Returns:
        Its storage key and what lies there, for `media.show_by`.

    Raises:
        Invalid: it is none that we take, or the other was painted here: the files of that are
            signed, the small one like the large one.
    """
    if row.painting_id is not None:
        raise Invalid("The preview of a painted picture is signed with it, and stays.")
    async with gate.of(easel).request():
        made = await media.prepare_thumbnail(content, easel.settings.media, media.label_of(row))
    key = new_key("webp")
    await easel.storage.put(key, made.content)
    return key, made
