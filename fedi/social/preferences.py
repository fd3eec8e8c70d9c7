"""How somebody usually posts, where they do not say it: the same by every door."""

from __future__ import annotations

from dataclasses import dataclass

from fedi.database.tables import Login
from fedi.social.drafts import VISIBILITIES
from fedi.social.policies import QUOTERS


@dataclass(frozen=True, slots=True)
class Usual:
    """How somebody usually posts.

    Attributes:
        visibility: public, unlisted, private or direct.
        quoters: who may quote: public, followers or nobody.
        language: a BCP 47 tag; None: none is chosen.
        sensitive: whether their pictures are marked.
    """

    visibility: str = "public"
    quoters: str = "public"
    language: str | None = None
    sensitive: bool = False


def usual(login: Login | None) -> Usual:
    """How the person of a login usually posts, by the names of Mastodon's preferences."""
    chosen = (login.preferences if login is not None else None) or {}
    visibility = chosen.get("posting:default:visibility")
    quoters = chosen.get("posting:default:quote_policy")
    language = chosen.get("posting:default:language")
    return Usual(
        visibility=visibility if visibility in VISIBILITIES else "public",
        quoters=quoters if quoters in QUOTERS else "public",
        language=language if isinstance(language, str) and language else None,
        sensitive=chosen.get("posting:default:sensitive") is True,
    )
