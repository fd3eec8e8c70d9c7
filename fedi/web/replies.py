"""How a reply begins: whom it names, its warning, and who hears of it; the same on each page on
which people answer."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.social import drafts, preferences, text
from fedi.social.posts import Post
from fedi.social.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Reply:
    """What stands in the form of a reply before anything is typed.

    Attributes:
        names: those who speak in the conversation, as `@name` or `@name@host`, so that they hear of
            it: Mastodon tells nobody of a reply that does not name them.
        warning: that of what is answered.
        audience: public, unlisted, private or direct: at most who could hear of what is answered.
    """

    names: tuple[str, ...]
    warning: str
    audience: str

    def words(self, said: str = "") -> str:
        """The names, as far as they are not said already, and then what is said."""
        missing = [f"{name} " for name in self.names if name not in said.split()]
        return f"{''.join(missing)}{said}"


def to(parent: Post, visitor: SignedIn) -> Reply:
    """A reply of somebody to a post that they see."""
    people = {account.id: account for account in (parent.account, *parent.mentions)}
    people.pop(visitor.account.id, None)
    named = list(people.values())[: text.MAX_MENTIONS]
    usual = preferences.usual(visitor.login).visibility
    return Reply(
        names=tuple(f"@{one.username}{'' if one.local else f'@{one.domain}'}" for one in named),
        warning=parent.status.spoiler_text,
        audience=max(usual, parent.status.visibility, key=drafts.VISIBILITIES.index),
    )
