"""What the assistant says, and to whom: who asked, in their thread, and nobody else."""

from __future__ import annotations

from msgspec.structs import replace

from fedi.database import Transaction
from fedi.database.tables import Account, AssistantRequest, Status
from fedi.social import statuses
from fedi.social.errors import NotFound
from fedi.social.statuses import Draft
from fedi.studio.assistant import callers
from fedi.studio.remixing import Parent


async def still(tx: Transaction, helper: Account, status_id: int) -> Status:
    """What was asked, as long as it is there.

    Raises:
        NotFound: it is gone.
    """
    status = await statuses.load(tx, helper, status_id)
    if status is None:
        raise NotFound("What was asked is gone.")
    return status


async def refuse(
    tx: Transaction, helper: Account, status: Status, asker: Account, words: str
) -> None:
    """Say why something is not begun: once a day to one person, so that nobody can be made to
    fill a thread."""
    told = await callers.was_refused(tx, asker)
    if not told and await statuses.load(tx, helper, status.id) is not None:
        await say(tx, helper, status, asker, words)
    await settle(tx, status.id, "ignored" if told else "refused")


async def regret(
    tx: Transaction, helper: Account, status: Status, asker: Account, words: str
) -> None:
    """Say that what was begun came to nothing: once for each request, whatever else its author was
    told, since they wait for it. It counts as what was done does, so that there are never more of
    these than one may ask for."""
    await say(tx, helper, status, asker, words)
    await settle(tx, status.id, "failed")


async def say(
    tx: Transaction,
    helper: Account,
    status: Status,
    asker: Account,
    words: str,
    *,
    markdown: bool = False,
) -> None:
    author = await tx.get_one(Account, helper.id)
    answer = draft(asker, status, words, None)
    if markdown:
        answer = replace(answer, text=answer.text.replace("_", r"\_"), markdown=True)
    await statuses.publish(tx, author, answer)


def draft(asker: Account, status: Status, words: str, parent: Parent | None) -> Draft:
    """An answer: for those whom the question was for, as far as we can, behind the same warning."""
    return Draft(
        text=f"@{asker.acct} {_harmless(words)}".strip(),
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        # Those who follow who asks may see the question; ours are others.
        visibility="direct" if status.visibility == "private" else status.visibility,
        language=status.language,
        in_reply_to_id=status.id,
        recipients=[asker.id],
        based_on_uri=None if parent is None else parent.status.uri,
        names_parent=False,  # it is credited; what names people is who asks
    )


def _harmless(words: str) -> str:
    """What was said to us and is said back names nobody."""
    return words.replace("@", "@\u2060")


async def settle(
    tx: Transaction, status_id: int, state: str, painting_id: int | None = None
) -> None:
    row = await tx.get(AssistantRequest, status_id)
    if row is not None:
        row.state = state
        row.painting_id = painting_id or row.painting_id
        tx.add(row)
        await tx.flush()
