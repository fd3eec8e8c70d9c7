"""Questions that are answered in words, by a language model if a painter has one."""

from __future__ import annotations

from datetime import timedelta

from fedi import logs
from fedi.database import Session, Transaction
from fedi.database.tables import Account, AssistantRequest, Status
from fedi.jobs import Claimed, Retry, enqueue, handles
from fedi.runtime import Easel
from fedi.social import favourites, statuses, text
from fedi.social.errors import Invalid, SocialError, TooMany
from fedi.social.visibility import SHOWN_TO_ALL
from fedi.studio import assistance, shares
from fedi.studio.assistant import account as assistants
from fedi.studio.assistant import reading, saying
from fedi.studio.assistant.reading import Wanted

REPLY = "assistant_reply"  # a job: `{"status_id": …}`
# Who asks has something else thought about just now, in the studio, which takes a minute at most:
# with waits of 5, 10, 20, 40 and 80 seconds this outlasts two of them.
ATTEMPTS = 6
SOON_S = 60  # who has to wait longer has asked for all that they may, and is told so
NO_ANSWER = "I have no answer to that. I paint, if you say what you want to see."

log = logs.get(__name__)


async def can(easel: Easel) -> bool:
    """Whether a language model could be asked by this process."""
    helping = assistance.of(easel)
    return helping is not None and await helping.has_model()


async def ask(tx: Transaction, status: Status, asker: Account) -> None:
    """Have a question answered: by a job of its own, so that no picture waits for the words. It
    stands in the line of those whose share of the painters a picture would take, so that nobody
    waits behind all that one server asks."""
    await enqueue(
        tx,
        REPLY,
        {"status_id": status.id},
        lane=shares.key(asker),
        unique_key=f"{REPLY} {status.id}",
    )


@handles(REPLY, attempts=ATTEMPTS, at_once=2, per_lane=1)
async def reply(easel: Easel, job: Claimed) -> None:
    """Answer a question in its thread."""
    async with easel.database.read() as session:
        asked = await _asked(session, easel, job.payload["status_id"])
        thread = await _thread(session, *asked[1:3]) if asked is not None else ""
    words, refusal, worked = "", "", False  # whether a model has worked for it
    if asked is not None:
        try:
            words = await _words(easel, asked[2], asked[1], asked[3].question, thread)
            worked = True
        except TooMany as error:
            if error.retry_after <= SOON_S and job.attempts < ATTEMPTS:
                wait = error.retry_after * 2 ** (job.attempts - 1)
                raise Retry(str(error), timedelta(seconds=wait)) from error
            refusal = str(error)
        except SocialError as error:
            refusal = str(error)
    async with easel.database.write() as tx:
        await job.finish(tx)
        asked = await _asked(tx, easel, job.payload["status_id"])
        if asked is None:
            await _let_go(tx, job.payload["status_id"], tried=worked)
            return
        helper, status, asker, _ = asked
        if not words and worked:
            await saying.regret(tx, helper, status, asker, NO_ANSWER)
            return
        if not words:
            await saying.refuse(tx, helper, status, asker, refusal)
            return
        await saying.say(tx, helper, status, asker, words)
        await favourites.add(tx, helper, status)
        await saying.settle(tx, status.id, "answered")


async def _asked(
    session: Session, easel: Easel, status_id: int
) -> tuple[Account, Status, Account, Wanted] | None:
    """The assistant, a question that still waits, who asked it, and what it says."""
    helper = await assistants.find(session, easel.settings.assistant)
    row = await session.get(AssistantRequest, status_id)
    if helper is None or row is None or row.state != "taken":
        return None
    status = await statuses.load(session, helper, status_id)
    if status is None:
        return None
    try:
        wanted = reading.read(status)
    except Invalid:  # it was edited
        return None
    return helper, status, await session.get_one(Account, status.account_id), wanted


async def _let_go(tx: Transaction, status_id: int, *, tried: bool) -> None:
    """A question that was edited into something else, or is gone, waits no more. One for which a
    model has worked counts all the same."""
    row = await tx.get(AssistantRequest, status_id)
    if row is not None and row.state in {"taken", "ignored"}:
        await saying.settle(tx, status_id, "failed" if tried else "ignored")


async def _thread(session: Session, status: Status, asker: Account) -> str:
    """The words of the post that a question is about: only of one that is for everybody, since the
    answer may be, too."""
    if status.in_reply_to_id is None:
        return ""
    above = await statuses.load(session, asker, status.in_reply_to_id)
    if above is None or above.visibility not in SHOWN_TO_ALL or above.spoiler_text:
        return ""
    return text.plain(above.content)


async def _words(easel: Easel, asker: Account, status: Status, question: str, thread: str) -> str:
    helping = assistance.of(easel)
    if helping is None or not question:
        return ""
    return await helping.reply(asker, question, thread=thread, language=status.language or "")
