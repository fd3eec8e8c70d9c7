"""The job `mail`: a letter is written and sent."""

from __future__ import annotations

from datetime import timedelta

from fedi import logs
from fedi.jobs import Claimed, GiveUp, handles
from fedi.jobs.registry import Backoff
from fedi.mail import sending
from fedi.mail.composing import compose
from fedi.mail.writing import WRITERS
from fedi.runtime import Easel

log = logs.get(__name__)

# About two days: a mail server may be away over a weekend's night, and a link would be of no use.
ATTEMPTS = 12
BACKOFF = Backoff(first=timedelta(seconds=30), most=timedelta(hours=6))


@handles("mail", attempts=ATTEMPTS, at_once=4, backoff=BACKOFF)
async def mail(easel: Easel, job: Claimed) -> None:
    """Write a letter, and send it. What opens something is made here, and anew for each attempt."""
    async with easel.database.write() as tx:
        made = await WRITERS[job.payload["what"]](tx, job.payload)
        if made is None:  # nobody is to be told any more
            await job.finish(tx)
            return
    settings = easel.settings
    try:
        message = compose(made.letter, made.to, settings.instance, settings.mail, easel.clock.now())
    except ValueError as error:
        raise GiveUp(f"The mail cannot be written: {error}.") from error
    await sending.send(message, made.to, settings.mail)
