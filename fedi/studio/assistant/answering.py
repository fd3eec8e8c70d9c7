"""The assistant's answers, by durable jobs: each post that asks is answered once."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from activitypub import origin
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once
from fedi.database.tables import Account, AssistantRequest, Painting, Status
from fedi.jobs import Claimed, Retry, handles
from fedi.runtime import Easel
from fedi.social import favourites, statuses, text
from fedi.social.errors import Invalid, SocialError
from fedi.social.notifications import ASKED
from fedi.social.trends import listing, verdicts
from fedi.social.visibility import SHOWN_TO_ALL
from fedi.studio import imagine, inputs, paintings
from fedi.studio.assistant import account as assistants
from fedi.studio.assistant import callers, changing, circles, reading, replying, saying, withdrawing
from fedi.studio.assistant.changing import Change
from fedi.studio.assistant.reading import Wanted
from fedi.studio.paintings import APOLOGISE
from generation.recipe import Recipe

MAX_TRENDS = 5  # hashtags that are named
ATTEMPTS = 5
# What a post answers comes by a job of its own, if it is not here yet: seconds that are waited for
# it, one after the other.
WAITS_S = (5, 30)


# One at a time of each lane, so that what is counted of it is true.
@handles(ASKED, attempts=ATTEMPTS, at_once=2, per_lane=1)
async def answer(easel: Easel, job: Claimed) -> None:
    """Somebody named a bot of this instance in a post; if that is the assistant, it answers."""
    settings = easel.settings.assistant
    async with easel.database.write() as tx:
        helper = await assistants.find(tx, settings)
        named = helper is not None and helper.id == job.payload["account_id"]
        request = await _take(easel, tx, helper, job) if named else None
        if helper is None or request is None:
            await job.finish(tx)
            return
        status, asker, wanted = request
    if wanted is not None and wanted.what == "question" and await replying.can(easel):
        async with easel.database.write() as tx:
            await replying.ask(tx, status, asker)
            await job.finish(tx)
        return
    if wanted is None or wanted.picture is None:
        async with easel.database.write() as tx:
            await _in_words(easel, tx, helper, status, asker, wanted)
            await job.finish(tx)
        return
    try:
        await _paint(easel, job, helper, status, asker, wanted)
    except SocialError as refusal:
        async with easel.database.write() as tx:
            await saying.refuse(tx, helper, status, asker, f"I cannot paint that: {refusal}")
            await job.finish(tx)


async def _take(
    easel: Easel, tx: Transaction, helper: Account | None, job: Claimed
) -> tuple[Status, Account, Wanted | None] | None:
    """A post that is to be answered, who asks, and for what (None: it was not understood); nothing
    if it was answered, or is not to be.

    Raises:
        Retry: it asks for silence in a thread of which too little is here yet.
    """
    status = await statuses.load(tx, helper, job.payload["status_id"])
    if status is None or helper is None or status.reblog_of_id is not None:
        return None
    asker = await tx.get_one(Account, status.account_id)
    settings = easel.settings.assistant
    if asker.id == helper.id or asker.actor_type in callers.BOTS:
        return None
    known = await tx.get(AssistantRequest, status.id)
    if known is not None:  # an attempt before this one broke off
        return (status, asker, _read(status)) if known.state == "taken" else None
    wanted = _read(status)
    if wanted is not None and wanted.what == "silence":
        if await callers.silence(tx, status):
            await withdrawing.end_thread(tx, (await callers.thread_of(tx, status)).name)
            await favourites.add(tx, helper, status)
        else:
            _wait_for_above(status, job)
        return None
    if wanted is not None and wanted.what == "nothing":
        return None
    thread = await callers.thread_of(tx, status)
    if wanted is not None and wanted.what == "thanks":
        if await callers.may(tx, settings, asker) and not await callers.is_silent(tx, thread.name):
            await favourites.add(tx, helper, status)
        return None
    state = "taken"
    if (
        not await callers.may(tx, settings, asker)
        or await callers.is_silent(tx, thread.name)
        or await circles.goes_in_circles(tx, helper, asker, thread)
    ):
        state = "ignored"
    row = AssistantRequest(
        status_id=status.id,
        account_id=asker.id,
        domain=origin.domain_of(asker.domain) if asker.domain else None,
        context_uri=thread.name,
        state=state,
        created_at=tx.now,
    )
    if state == "taken" and await callers.server_spent(tx, settings, row.domain):
        told = await callers.server_told(tx, row.domain)
        row.state = state = "ignored" if told else "spent"
    reason = await callers.too_many(tx, settings, asker) if state == "taken" else ""
    if not await add_once(tx, row) or state == "ignored":
        return None
    if state == "spent":
        await saying.say(tx, helper, status, asker, callers.SPENT)
        return None
    if reason:
        await saying.refuse(tx, helper, status, asker, reason)
        return None
    return status, asker, wanted


def _wait_for_above(status: Status, job: Claimed) -> None:
    """Try again in a while, if what a post answers is not here yet.

    Raises:
        Retry: it is not.
    """
    answers = status.in_reply_to_uri is not None
    if answers and status.in_reply_to_id is None and job.attempts <= len(WAITS_S):
        wait = timedelta(seconds=WAITS_S[job.attempts - 1])
        raise Retry("What it answers is not here yet.", wait)


def _read(status: Status) -> Wanted | None:
    try:
        return reading.read(status)
    except Invalid:
        return None


async def _in_words(
    easel: Easel,
    tx: Transaction,
    helper: Account,
    status: Status,
    asker: Account,
    wanted: Wanted | None,
) -> None:
    if wanted is not None and wanted.what == "trends":
        words = await _trending(easel, tx, asker)
        await saying.say(tx, helper, status, asker, words, markdown=True)
        await saying.settle(tx, status.id, "answered")
        return
    try:
        reading.read(status)
    except Invalid as refusal:
        await saying.refuse(tx, helper, status, asker, str(refusal))
        return
    await saying.settle(tx, status.id, "ignored")  # it was edited, and asks for nothing any more


async def _trending(easel: Easel, session: Session, asker: Account) -> str:
    """What trends for who asks, and why: hashtags alone, since posts and prompts name other
    people. They are linked, and not used: what is asked about would trend by being told."""
    which = verdicts.which(easel.settings.trends)
    found = await listing.tags(session, asker, which, limit=MAX_TRENDS)
    if not found:
        return "Nothing stands out here just now."
    why = await listing.reasons(session, "tag", [tag.id for tag in found])
    url = easel.settings.instance.url
    named = "; ".join(
        f"[#{tag.display_name or tag.name}]({text.tag_url(tag.name, url)}) ({why[tag.id].words})"
        for tag in found
    )
    page = f"{url}/explore"
    return f"People here talk about {named}. There is more at {page}"


async def _paint(
    easel: Easel, job: Claimed, helper: Account, status: Status, asker: Account, wanted: Wanted
) -> None:
    assert wanted.picture is not None
    if wanted.change:
        _wait_for_above(status, job)
    recipe, changed = imagine.recipe(wanted.picture, easel.settings.painting), None
    if wanted.change and status.in_reply_to_id is not None:
        changed = await changing.change(easel, helper, asker, status.in_reply_to_id, recipe)
    begun_with = [changed.found] if changed is not None and changed.found is not None else []
    await inputs.keep_files(easel, begun_with)
    try:
        await _request(easel, job, helper, status, asker, wanted.picture.count, recipe, changed)
    except BaseException:
        await inputs.discard_files(easel, begun_with)
        raise


async def _request(
    easel: Easel,
    job: Claimed,
    helper: Account,
    status: Status,
    asker: Account,
    count: int,
    recipe: Recipe,
    changed: Change | None,
) -> None:
    """Ask for the picture, on the share of who asks."""
    settings = easel.settings.painting
    parent, found = None, None
    if changed is not None:
        recipe, parent, found = changed.recipe, changed.parent, changed.found
    async with easel.database.write() as tx:
        status = await saying.still(tx, helper, status.id)
        asker = await tx.get_one(Account, asker.id)
        helper = await tx.get_one(Account, helper.id)
        [painting, *_] = await paintings.request_several(
            tx,
            settings,
            helper,
            recipe.times(count),
            # What was kept to few is not told to all by being changed.
            share_recipe=status.visibility in SHOWN_TO_ALL
            and (parent is None or parent.medium.share_recipe),
            draft=saying.draft(asker, status, "", parent),
            based_on_uri=None if parent is None else parent.status.uri,
            pictures=[found] if found is not None and recipe.source else [],
            parent=found,
            sensitive=status.sensitive or (parent is not None and parent.status.sensitive),
            asker=asker,
        )
        await saying.settle(tx, status.id, "answered", painting.id)
        await favourites.add(tx, helper, status)  # it is being painted
        await job.finish(tx)


@handles(APOLOGISE, attempts=5, at_once=2)
async def apologise(easel: Easel, job: Claimed) -> None:
    """A picture that the assistant was asked for could not be made: say so, once for all that
    one post asked for."""
    async with easel.database.write() as tx:
        await job.finish(tx)
        helper = await assistants.find(tx, easel.settings.assistant)
        painting = await tx.get(Painting, job.payload["painting_id"])
        query = select(AssistantRequest).where(
            col(AssistantRequest.painting_id) == job.payload["painting_id"]
        )
        row = (await tx.exec(query)).first()
        if helper is None or painting is None or row is None or row.state != "answered":
            return
        status = await statuses.load(tx, helper, row.status_id)
        if status is None:
            return
        asker = await tx.get_one(Account, row.account_id)
        reason = painting.error or "It was not let through."
        await saying.regret(tx, helper, status, asker, f"I am sorry, that did not work. {reason}")


__all__ = ["answer", "apologise"]
