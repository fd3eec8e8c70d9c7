"""What each type of activity does here, held to the rule of its origin; a module per noun.

By the time a handler runs, `activitypub.origin.check` has held the activity to all that can be
told from its text: its actor signed it, and its ids are of the actor's origin. What only the
database knows is checked here: whose the stored thing is, and whether a Follow was ever sent.
"""

from __future__ import annotations

from fedi.federation.handlers.actors import move
from fedi.federation.handlers.announces import announce
from fedi.federation.handlers.answers import accept, reject
from fedi.federation.handlers.collections import add, remove
from fedi.federation.handlers.effects import Effect, Handler
from fedi.federation.handlers.follows import block, follow
from fedi.federation.handlers.posts import create, delete, update
from fedi.federation.handlers.quotes import request
from fedi.federation.handlers.reactions import like, react
from fedi.federation.handlers.reports import flag
from fedi.federation.handlers.undoing import undo

__all__ = ["HANDLERS", "Effect", "Handler"]

HANDLERS: dict[str, Handler] = {
    "Accept": accept,
    "Add": add,
    "Announce": announce,
    "Block": block,
    "Create": create,
    "Delete": delete,
    "EmojiReact": react,
    "Flag": flag,
    "Follow": follow,
    "Like": like,
    "Move": move,
    "QuoteRequest": request,
    "Reject": reject,
    "Remove": remove,
    "Undo": undo,
    "Update": update,
}
