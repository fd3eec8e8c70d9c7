"""The list of what may not be used any more, signed by this instance (FEP-8b32).

    {"@context": […], "id": …, "type": "CollectionPage", "actor": "https://easel.example/actor",
     "published": …, "next": …,
     "withdrawn": {"since": null | "EXPORT",
                   "items": [{"key": "5c1f…", "at": …, "reason": "account", "exports": ["2"]}]},
     "proof": {…}}

It names keys and nobody's name: who was not named in a dataset is not named by leaving it.
"""

from __future__ import annotations

from typing import Any

from activitypub import proofs
from activitypub.context import with_context
from activitypub.signatures.keys import load_ed25519
from fedi.database import Session
from fedi.database.tables import AccountKey, DatasetExport, DatasetItem
from fedi.runtime import Easel
from fedi.social import account_keys, accounts
from fedi.social.training import ledger

PATH = "/api/easel/v1/dataset/withdrawn"
PAGE = 400  # rows: a page stays below what a proof is looked at in (`proofs.PROVEN_LIMIT`)
TERMS = ({"withdrawn": {"@id": "urn:easel:withdrawn", "@type": "@json"}},)


async def page(
    easel: Easel, since: DatasetExport | None, after: int = 0
) -> tuple[dict[str, Any], int | None]:
    """A page of the list: what is marked (`marking` marks it), and nothing is looked for.

    Args:
        since: what was withdrawn since this export, out of whichever; None: ever.
        after: behind this position.

    Returns:
        The page, and behind which position the next one begins, if there is one.
    """
    async with easel.database.read() as session:
        key = await _key(session)
    if key is None:
        async with easel.database.write() as tx:
            key = await account_keys.ensure(tx, await accounts.ensure_instance_actor(tx))
    async with easel.database.read() as session:
        rows = await ledger.withdrawn(session, since, after=after, limit=PAGE)
    url = easel.settings.instance.url
    told: dict[str, Any] = {
        "id": f"{url}{_path(since, after)}",
        "type": "CollectionPage",
        "actor": accounts.instance_actor_uri(url),
        "published": easel.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "withdrawn": {
            "since": None if since is None else str(since.id),
            "items": _items(rows),
        },
    }
    last = rows[-1].withdrawn_position if len(rows) == PAGE else None
    if last is not None:
        told["next"] = f"{url}{_path(since, last)}"
    assert key.private_pem is not None
    private = load_ed25519(key.private_pem)
    signed = proofs.sign(with_context(told, TERMS), key.key_id, private, easel.clock.now())
    return signed, last


async def _key(session: Session) -> AccountKey | None:
    actor = await accounts.instance_actor(session)
    known = [] if actor is None else await account_keys.of(session, actor)
    return known[0] if known else None


def _items(rows: list[DatasetItem]) -> list[dict[str, Any]]:
    """By picture, in the order in which each was taken back."""
    items: dict[str, dict[str, Any]] = {}
    for row in rows:
        assert row.withdrawn_at is not None
        item = items.setdefault(
            row.key,
            {
                "key": row.key,
                "at": row.withdrawn_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "reason": row.reason,
                "exports": [],
            },
        )
        item["exports"].append(str(row.export_id))
    return list(items.values())


def _path(since: DatasetExport | None, after: int) -> str:
    asked = [f"since={since.id}"] if since is not None else []
    asked += [f"after={after}"] if after else []
    return "?".join([PATH, *(["&".join(asked)] if asked else [])])
