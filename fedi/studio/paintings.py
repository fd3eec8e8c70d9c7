"""Pictures asked for. The row is the queue: durable, fair, and visible to its author.

Whose turn it is, `fedi.studio.turns` says; where a picture stands, `fedi.studio.standing`; what one
account may ask for, `fedi.studio.limits`; what a request comes to, `fedi.studio.appraisal`. Who
paints takes and ends pictures by `fedi.studio.claims`.

Events: topic `painting:ID`, kinds queued, painting, progress, review, done, failed, cancelled;
topic `paintings`, kinds queued and cancelled, for those who hand pictures out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Painting
from fedi.events import Event
from fedi.jobs import enqueue
from fedi.settings import PaintingSettings
from fedi.social import scheduling, statuses
from fedi.social.errors import Invalid, NotFound
from fedi.social.statuses import Draft
from fedi.studio import appraisal, cards, inputs, limits, media, shares, turns
from fedi.studio.inputs import Found
from generation import abilities, helpers, lora_files, minors
from generation.recipe import Limits, Recipe, RecipeError

TOPIC = "paintings"
QUEUED, PAINTING, DONE, FAILED, CANCELLED = "queued", "painting", "done", "failed", "cancelled"
REVIEW = "review"  # painted, and waiting for a moderator (`fedi.studio.reviews`)
ENDED = frozenset({DONE, FAILED, CANCELLED})
DROP = "drop_held_files"  # a job
APOLOGISE = "apologise_for_a_picture"  # a job: somebody asked its author for it, in vain
STOPPED = "Its picture was stopped."
PAINTED = ENDED | {REVIEW}  # no painter has anything to do with it any more


def topic(painting_id: int) -> str:
    return f"painting:{painting_id}"


async def request(
    tx: Transaction,
    settings: PaintingSettings,
    account: Account,
    recipe: Recipe,
    *,
    share_recipe: bool = False,
    description: str = "",
    draft: Draft | None = None,
    status_uri: str | None = None,
    post_of: Painting | None = None,
    asked_with: Painting | None = None,
    begun_post: Draft | None = None,
    pictures: Sequence[Found] = (),
    based_on_uri: str | None = None,
    parent: Found | None = None,
    sensitive: bool = False,
    asker: Account | None = None,
) -> Painting:
    """Ask for a picture.

    Args:
        settings: this host's limits.
        account: who asks; a local one.
        recipe: what to paint; a seed is drawn if it has none.
        share_recipe: whether prompt and seed may be read by all.
        description: alt text; an empty one is written when the picture is there.
        draft: the post that publishes itself with the picture.
        status_uri: the id of that post, if it was told to somebody already.
        post_of: the painting that has the draft, if the post is to show this picture, too.
        asked_with: the first of the pictures that are asked for with it.
        begun_post: the post that its author has begun, and means to post by hand.
        pictures: those that the recipe begins with; their files are stored.
        based_on_uri: the post that it is a remix of.
        parent: the picture of that post; its file is stored.
        sensitive: whether it is marked whatever its words say.
        asker: who asked the account for it, whose share and whose limits count then; they may be
            of another server.

    Raises:
        Invalid: over a limit, a blocked word, a model that nobody here paints with, something that
            no painter here can do, a post that could not be made.
        NotFound, NotAllowed: as for `statuses.publish`.
        TooMany: all that the account may ask for within an hour; it says when to ask again.
    """
    most = Limits(
        steps=settings.max_steps,
        megapixels=settings.max_megapixels,
        upscaled=settings.max_upscaled_megapixels,
    )
    sensitive = appraisal.judge_words(settings, recipe.prompt) or sensitive
    if recipe.pictures and minors.sexual(recipe.prompt):
        raise Invalid(minors.OF_PICTURES)
    if recipe.upscale and settings.upscaler == helpers.NONE:
        raise Invalid("Pictures are not made larger here.")
    model = await appraisal.model_for(tx, settings, recipe)
    known = appraisal.known_model(model)
    needs = abilities.needs(recipe)
    recipe = inputs.sized(recipe, pictures, known)
    try:
        recipe.check(most)
        full = recipe.resolved(known) if known is not None else recipe
        full.check(most)
        if known is not None:
            lora_files.refuse_misfits(recipe.loras, known)
    except RecipeError as refusal:
        raise Invalid(str(refusal)) from refusal
    if draft is not None:
        await limits.refuse_unpostable(tx, account, draft)
    here = cards.at_hand(await cards.known(tx, settings), model) if needs else ()
    if nobody := cards.refusal(here, model, needs, known.name if known else ""):
        raise Invalid(nobody)
    await limits.refuse_too_many(tx, settings, asker or account)
    begun_with = [*pictures, *([parent] if parent else [])]
    await limits.make_room(tx, settings, account, begun_with)
    cost = appraisal.cost(full, known)
    painting = Painting(
        id=tx.new_id(),
        account_id=account.id,
        recipe=recipe.seeded().document(),
        model=model,
        needs=cards.written(needs),
        share_recipe=share_recipe,
        description=media.checked_description(description),
        language=_language(draft, post_of),
        sensitive=sensitive,
        cost=cost,
        tag=await turns.tag(
            tx,
            asker or account,
            model,
            cost,
            needs=cards.written(needs),
            weight=await turns.weight(tx, settings, asker or account),
        ),
        draft=None if draft is None else msgspec.to_builtins(draft),
        status_uri=status_uri,
        post_of=None if post_of is None else post_of.id,
        asked_with=None if asked_with is None else asked_with.id,
        begun_post=None if begun_post is None else msgspec.to_builtins(begun_post),
        based_on_uri=based_on_uri,
        share=None if asker is None else shares.key(asker),
        parent_digest=None if parent is None else parent.picture.digest,
        steps=full.steps or 0,
        created_at=tx.now,
    )
    tx.add(painting)
    await tx.flush()
    await inputs.keep(tx, painting, begun_with)
    tell(tx, painting, QUEUED)
    return painting


def _language(draft: Draft | None, post_of: Painting | None) -> str:
    """Of the post that a picture is for; empty if there is none, or none is known."""
    if post_of is not None:
        return post_of.language
    return (draft.language or "") if draft is not None else ""


async def apologise(tx: Transaction, painting: Painting) -> None:
    """Have who asked the author of a picture for it told that it will not be."""
    if painting.share is not None:
        await enqueue(tx, APOLOGISE, {"painting_id": painting.post_of or painting.id})


async def find(session: Session, account: Account, painting_id: int) -> Painting:
    """A picture that this account asked for.

    Raises:
        NotFound: there is none; or it is another's, which is nobody's business.
    """
    painting = await session.get(Painting, painting_id)
    if painting is None or painting.account_id != account.id:
        raise NotFound("There is no such painting.")
    return painting


async def list_own(
    session: Session, account: Account, *, limit: int, max_id: int | None = None
) -> list[Painting]:
    """An account's pictures, the newest first, older than `max_id`."""
    query = select(Painting).where(col(Painting.account_id) == account.id)
    if max_id is not None:
        query = query.where(col(Painting.id) < max_id)
    return list((await session.exec(query.order_by(col(Painting.id).desc()).limit(limit))).all())


async def request_several(
    tx: Transaction,
    settings: PaintingSettings,
    account: Account,
    recipes: Sequence[Recipe],
    *,
    share_recipe: bool = False,
    description: str = "",
    draft: Draft | None = None,
    status_uri: str | None = None,
    begun_post: Draft | None = None,
    pictures: Sequence[Found] = (),
    based_on_uri: str | None = None,
    parent: Found | None = None,
    sensitive: bool = False,
    asker: Account | None = None,
) -> list[Painting]:
    """Ask for some pictures at once. With a draft, all of them are for one post, and the first
    painting has its id.

    Args:
        recipes: one for each picture.
        status_uri: that id, if it was minted before; else it is made here.

    Raises:
        SocialError: as `request`; then none of them is painted.
    """
    if draft is not None and len(draft.media_ids) + len(recipes) > statuses.MAX_MEDIA:
        raise Invalid(f"A post has at most {statuses.MAX_MEDIA} pictures.")
    made: list[Painting] = []
    for recipe in recipes:
        first = made[0] if made else None
        painting = await request(
            tx,
            settings,
            account,
            recipe,
            share_recipe=share_recipe,
            description=description,
            draft=None if first else draft,
            status_uri=None
            if first or draft is None
            else status_uri or statuses.mint_uri(tx, account),
            post_of=first if draft is not None else None,
            asked_with=first,
            begun_post=begun_post,
            pictures=pictures,
            based_on_uri=based_on_uri,
            parent=parent,
            sensitive=sensitive,
            asker=asker,
        )
        made.append(painting)
    return made


async def asked_together(session: Session, painting: Painting) -> list[Painting]:
    """A picture and those that were asked for with it, in their order."""
    first = painting.asked_with or painting.id
    rows = await session.exec(
        select(Painting)
        .where(
            col(Painting.account_id) == painting.account_id,
            (col(Painting.id) == first) | (col(Painting.asked_with) == first),
        )
        .order_by(col(Painting.id))
    )
    return list(rows.all())


async def post_of(session: Session, painting: Painting) -> Mapping[str, Any]:
    """The draft of the post that a picture is for, or is begun for; empty, if there is none."""
    first = painting
    if painting.post_of is not None:
        first = await session.get(Painting, painting.post_of) or painting
    return first.draft or painting.begun_post or {}


async def together(tx: Transaction, painting: Painting) -> tuple[Painting | None, list[Painting]]:
    """The painting that has the draft of the post that a picture is for, locked; and the others of
    that post, in their order, without those that somebody is just about to end."""
    first = painting
    if painting.post_of is not None:
        found = await tx.get(
            Painting, painting.post_of, with_for_update=True, populate_existing=True
        )
        if found is None:
            return None, []
        first = found
    rows = await tx.exec(
        select(Painting)
        .where(col(Painting.post_of) == first.id)
        .order_by(col(Painting.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return first, list(rows.all())


async def cancel(tx: Transaction, painting: Painting) -> Painting:
    """Its author does not want it any more, nor the others of its post. What has ended stays as it
    is; its post is not made, if others were still to come."""
    current = await tx.get(Painting, painting.id, with_for_update=True, populate_existing=True)
    assert current is not None
    of_a_post = current.draft is not None or current.post_of is not None
    if current.state not in ENDED or of_a_post:
        first, others = await together(tx, current)
        if first is not None and first.status_id is not None:
            return current
        every = [current, *([] if first is None else [first]), *others]
        whole = all(one.state == DONE for one in every)
        for one in every:
            await stop(tx, one)
        if first is not None and first.status_uri is not None and not whole:
            await scheduling.halt(tx, first.status_uri, STOPPED)
    return current


async def stop(tx: Transaction, painting: Painting) -> None:
    """Cancel a picture, unless it has ended."""
    if painting.state in ENDED:
        return
    await let_go(tx, painting)
    end(tx, painting, CANCELLED)
    await tx.flush()
    tell(tx, painting, CANCELLED)


def end(tx: Transaction, painting: Painting, state: str) -> None:
    """Bring a picture to one of its three ends, or into review."""
    painting.state = state
    painting.painter_id = None if state == CANCELLED else painting.painter_id
    painting.lease_until = None
    # A review may take days; how fast this host paints is told by when pictures are painted.
    painting.finished_at = painting.finished_at or tx.now
    tx.add(painting)


async def let_go(tx: Transaction, painting: Painting) -> None:
    """Remove the files of a picture that waits for a moderator, once this is committed."""
    if painting.held is not None:
        keys = [painting.held["file"], painting.held["preview_file"]]
        await enqueue(tx, DROP, {"keys": keys})
        painting.held = None


def tell(tx: Transaction, painting: Painting, kind: str) -> None:
    """Tell those who wait for a picture, and those who hand pictures out, what became of it."""
    identity = {"id": str(painting.id)}
    tx.emit(Event(topic(painting.id), kind, identity))
    if kind in (QUEUED, CANCELLED):
        tx.emit(Event(TOPIC, kind, identity))
