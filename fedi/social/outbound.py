"""What the world must be told: jobs of the kind `federate`, done by whoever talks to the world.

The payload is `{"what": WHAT, …}` with ids, never rows:

| what             | with                                                                      |
|------------------|---------------------------------------------------------------------------|
| `create`         | `status_id`                                                               |
| `update`         | `status_id`, perhaps `uri` (of the Update)                                |
| `delete`         | `status_id` (the tombstone), perhaps `uri` (of the Delete)                |
| `announce`       | `status_id` (the boost)                                                   |
| `undo_announce`  | `status_id` (the boost's tombstone), perhaps `uri` (of the Undo)          |
| `like`           | `account_id`, `status_id`, `uri` (of the Like)                            |
| `undo_like`      | `account_id`, `status_id`, `uri`                                          |
| `follow`         | `account_id`, `target_account_id`, `uri` (of the Follow)                  |
| `undo_follow`    | `account_id`, `target_account_id`, `uri`                                  |
| `accept_follow`  | `account_id` (who follows), `target_account_id` (who accepts), `uri`,     |
|                  | perhaps `activity_uri` (of the Accept)                                    |
| `reject_follow`  | `account_id` (who followed), `target_account_id` (who rejects), `uri`,    |
|                  | perhaps `activity_uri` (of the Reject)                                    |
| `block`          | `account_id`, `target_account_id`, `uri` (of the Block)                   |
| `undo_block`     | `account_id`, `target_account_id`, `uri`                                  |
| `move`           | `account_id`, `target` (the id of the new account), perhaps `uri`         |
| `flag`           | `report_id`                                                               |
| `request_quote`  | `status_id` (what quotes)                                                 |
| `accept_quote`   | `account_id` (who is quoted), `target_account_id` (who asked),            |
|                  | `status_id`, `quoting_uri`, `uri` (of the QuoteRequest), `stamp_id`       |
| `reject_quote`   | the same without `stamp_id`                                               |
| `revoke_stamp`   | `stamp_id`                                                                |
| `vote`           | `vote_id`                                                                 |
| `pin`            | `pin_id`                                                                  |
| `unpin`          | `account_id`, `status_id`, `uri` (of the Remove)                          |
| `feature_tag`    | `featured_id`                                                             |
| `unfeature_tag`  | `account_id`, `tag_id`, `uri` (of the Remove)                             |
| `update_actor`   | `account_id`, perhaps `uri` (of the Update)                               |
| `activity`       | `activity_id` (an activity that is told as it is kept)                    |
| `delete_actor`   | `account_id`, `inboxes` (everybody's who may know the account)            |
"""

from __future__ import annotations

from typing import Any, Literal

from fedi.database import Transaction
from fedi.jobs import enqueue

What = Literal[
    "create",
    "update",
    "delete",
    "announce",
    "undo_announce",
    "like",
    "undo_like",
    "follow",
    "undo_follow",
    "accept_follow",
    "reject_follow",
    "block",
    "undo_block",
    "move",
    "flag",
    "request_quote",
    "accept_quote",
    "reject_quote",
    "revoke_stamp",
    "vote",
    "pin",
    "unpin",
    "feature_tag",
    "unfeature_tag",
    "update_actor",
    "activity",
    "delete_actor",
]


async def tell(tx: Transaction, what: What, **details: Any) -> None:
    """Tell other servers, once this transaction is committed.

    Args:
        what: a line of the table above.
        details: what that line asks for.
    """
    told = {name: value for name, value in details.items() if value is not None}
    await enqueue(tx, "federate", {"what": what, **told})
