"""Pictures that people bring: the one way in, whichever app they use."""

from __future__ import annotations

from fedi.database.tables import Account, MediaAttachment
from fedi.runtime import Easel
from fedi.social import forgetting
from fedi.studio import gate, media


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
) -> MediaAttachment:
    """Take a picture: decoded in its turn, encoded anew, stored, and kept until a post has it or
    its time is over. It is ready at once: only films take longer, and there are none.

    Args:
        account: whose it is.
        content: the file.
        description: its alt text, checked (`media.checked_description`).
        focus: what must stay in sight, from -1 to 1 to the right and upwards.

    Raises:
        Invalid: it is no picture that we take; the sentence says why.
    """
    async with gate.of(easel).request():
        prepared = await media.prepare_upload(content, easel.settings.media)
    stored = await media.store(easel.storage, prepared)
    async with easel.database.write() as tx:
        row = media.add_upload(tx, account, stored, description=description, focus=focus)
        await tx.flush()
        await forgetting.let_go(tx, [row.id], forgetting.REDRAFT)
    return row
