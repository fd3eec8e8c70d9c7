"""Create: a post, a vote, or an object of a type that means nothing here."""

from __future__ import annotations

from typing import Any

from activitypub.objects import activity as made
from activitypub.objects.actor import ACTOR_TYPES
from activitypub.objects.collection import COLLECTION_TYPES
from fedi.api import auth
from fedi.api.client import envelope, finding, pictures, submission
from fedi.api.client.activities import collections, extensions
from fedi.api.client.activities.asked import Asked, Done, keep
from fedi.api.client.submission import Submission
from fedi.api.easel.asking import parse_recipe
from fedi.api.easel.paintings import address as painting_address
from fedi.api.problems import Problem
from fedi.database import Transaction
from fedi.database.tables import Account, Login, Painting, Status
from fedi.federation.documents.posts import create_document
from fedi.federation.outgoing.votes import create_uri, vote_note
from fedi.social import pending, polls, posts, preferences, statuses
from fedi.social.errors import Invalid
from fedi.social.statuses import Draft
from fedi.studio import imagine, inputs, paintings, remixing
from fedi.studio.inputs import Found

NO_ANSWERED = "What this answers is not there."
NO_QUOTED = "What this quotes is not there."


async def create(asked: Asked) -> Done:
    """Create what is embedded."""
    object_ = asked.inner()
    kind = envelope.kind(object_)
    if kind in ACTOR_TYPES:
        nobody = "Nobody can be created by posting them."
        raise Problem("unsupported-type", nobody, objectType=kind)
    if kind in COLLECTION_TYPES:
        auth.demand(asked.who, "write:statuses", "write:collections")
        return await collections.create(asked, object_)
    auth.demand(asked.who, "write:statuses")
    if kind not in submission.TYPES:
        return await extensions.create(asked, object_)
    note = submission.parsed(object_)
    if submission.is_vote(note):
        status = await finding.post(asked.easel, asked.author, note.in_reply_to, NO_ANSWERED)
        if status.object_type == "Question":
            return await _vote(asked, status, note.name or "")
    return await publish(asked, object_, asked.document)


async def _vote(asked: Asked, status: Status, title: str) -> Done:
    """Choose an option of a poll, by its title (FEP-9967)."""
    async with asked.easel.database.write() as tx:
        author = await asked.whom(tx)
        poll = await polls.of_status(tx, status.id)
        titles = [option["title"] for option in poll.options] if poll is not None else []
        if title not in titles:
            raise Invalid(polls.NO_SUCH_CHOICE)
        [vote] = await polls.vote(tx, author, status, [titles.index(title)])
        asking = await tx.get_one(Account, status.account_id)
        note = vote_note(vote, title, author, status, asking)
        done = made.create(create_uri(author, vote), author.uri, note.document())
        # Who asks here learns how many chose what, and not who: their own server does not tell.
        return await keep(tx, author, done, recipients=[] if asking.local else [asking])


async def publish(
    asked: Asked, object_: dict[str, Any], activity: dict[str, Any], quoting: str | None = None
) -> Done:
    """Publish a post, or ask for the picture that it is to have.

    Args:
        object_: the post.
        activity: what it came in; it is for those whom that is for, too.
        quoting: the id of the post that it quotes, if it does not say so itself.
    """
    easel, author = asked.easel, asked.author
    wanted = submission.read(object_, activity, author.followers_uri)
    draft = await _draft(asked, wanted, quoting)
    if len(wanted.wishes) > 1:
        raise Invalid("Ask for one picture at a time.")
    parent = await remixing.picture(easel, author, draft.based_on_uri)
    kept = [parent] if parent else []
    await inputs.keep_files(easel, kept)
    result: Status | Painting | None = None
    try:
        async with easel.database.write() as tx:
            result = await _post(tx, asked, wanted, draft, parent)
    finally:
        if not isinstance(result, Painting):  # nothing is painted
            await inputs.discard_files(easel, kept)
    async with easel.database.read() as session:
        if isinstance(result, Status):
            [shown] = await posts.assemble(session, [result], author)
            return Done(create_document(session, shown))
        promised = (await pending.assemble(session, author, result)).post
        watch = f'<{painting_address(easel, result.id)}>; rel="monitor"'
        return Done(create_document(session, promised), {"Link": watch})


async def _post(
    tx: Transaction, asked: Asked, wanted: Submission, draft: Draft, parent: Found | None
) -> Status | Painting:
    settings, author = asked.easel.settings.painting, await asked.whom(tx)
    for picture in wanted.named:
        medium = await pictures.of_ours(tx, author, picture)
        pictures.describe(medium, picture)
        draft.media_ids.append(medium.id)
    if not wanted.wishes:
        return await imagine.post(
            tx, settings, author, draft, share_recipe=wanted.share_recipe, parent=parent
        )
    [wish] = wanted.wishes
    return await paintings.request(
        tx,
        settings,
        author,
        parse_recipe(wish.recipe),
        share_recipe=wanted.share_recipe is not False,
        description=wish.description,
        draft=draft,
        status_uri=statuses.mint_uri(tx, author),
        based_on_uri=draft.based_on_uri,
        parent=parent,
    )


async def _draft(asked: Asked, wanted: Submission, quoting: str | None) -> Draft:
    """The post that was asked for, everything it names looked up, but for its pictures."""
    easel, author, note, addressed = asked.easel, asked.author, wanted.note, wanted.audience
    found = await finding.addressees(easel, author, addressed)
    named = found.people.items()
    answered = quoted = None
    if note.in_reply_to is not None:
        answered = (await finding.post(easel, author, note.in_reply_to, NO_ANSWERED)).id
    if (quotes := note.quote or quoting) is not None:
        quoted = (await finding.post(easel, author, quotes, NO_QUOTED)).id
    if note.type == "Question" and note.poll is None:
        raise Invalid("A Question needs options: oneOf or anyOf.")
    now = easel.clock.now()
    async with easel.database.read() as session:
        usual = preferences.usual(await session.get(Login, author.id))
    return Draft(
        text=wanted.text,
        markdown=wanted.markdown,
        content_html=wanted.content or None,
        spoiler_text=wanted.warning,
        sensitive=usual.sensitive if wanted.sensitive is None else wanted.sensitive,
        visibility=addressed.visibility,
        language=note.language or usual.language,
        in_reply_to_id=answered,
        recipients=[who.id for uri, who in named if uri not in addressed.hidden],
        blind=[
            *(who.id for uri, who in named if uri in addressed.hidden),
            *(who.id for who in found.members),
        ],
        based_on_uri=note.is_based_on,
        quoters=wanted.quoters or usual.quoters,
        poll=submission.poll(note.poll, now) if note.poll is not None else None,
        quoted_status_id=quoted,
        kind=wanted.kind,
        details=wanted.details or None,
        application_id=asked.who.application.id if asked.who.application is not None else None,
    )
