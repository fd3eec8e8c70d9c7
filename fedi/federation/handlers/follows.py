"""Follow and Block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account
from fedi.federation import sending, subscriptions
from fedi.federation.handlers.effects import Effect, local_person
from fedi.runtime import Easel
from fedi.social import accounts, blocks, follow_batches, follows


@dataclass(frozen=True, slots=True, eq=False)
class Asking:
    """The effect of a Follow. Of many that come at once, most take effect together."""

    easel: Easel
    actor: Account
    activity: Activity

    async def __call__(self, tx: Transaction) -> None:
        target = await local_person(tx, self.activity.object_id)
        if target is None:
            await subscriptions.followed(tx, self.actor, self.activity)
        elif self.activity.id is not None:
            await follows.receive(tx, self.actor, target, self.activity.id)

    @classmethod
    async def together(cls, tx: Transaction, several: Sequence[Asking]) -> set[Asking]:
        """Those of these effects that take few statements for many, answers included.

        Returns:
            Those that are done.
        """
        if len(several) < 2:
            return set()
        uris = {asking.activity.object_id or "" for asking in several}
        people = await accounts.by_uris(tx, sorted(uris))
        asked = [
            (asking, (asking.actor, target, asking.activity.id))
            for asking in several
            if (target := people.get(asking.activity.object_id or "")) is not None
            and asking.activity.id is not None
        ]
        held = await follow_batches.receive_all(tx, [each for _, each in asked])
        done = [each for each, holds in zip(asked, held, strict=True) if holds]
        if several[0].easel.settings.federation.enabled:
            await sending.answer_all(tx, [_accept(tx, *follow) for _, follow in done])
        return {asking for asking, _ in done}


def _accept(
    tx: Transaction, follower: Account, target: Account, uri: str
) -> tuple[Account, Activity, str]:
    made = activities.accept(f"{target.uri}#accepts/{tx.new_id()}", target.uri, uri, follower.uri)
    return target, made, follower.inbox_uri


async def follow(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    return Asking(easel, actor, activity)


async def block(easel: Easel, actor: Account, activity: Activity) -> Effect | None:
    async def effect(tx: Transaction) -> None:
        target = await local_person(tx, activity.object_id)
        if target is not None:
            await blocks.add(tx, actor, target, activity.id)

    return effect
