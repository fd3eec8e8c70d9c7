"""Interaction policies (GoToSocial, and `canQuote` of FEP-044f), and stamps that satisfy them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from activitypub.errors import Malformed
from activitypub.objects import values

NAMED_LIMIT = 100
"""Ids kept of each list of a policy; honest ones name a collection or two."""

APPROVAL_TYPES = frozenset(
    # Of two names for one thing, `…Approval` is that of GoToSocial before 0.21.
    {
        "AnnounceApproval",
        "AnnounceAuthorization",
        "LikeApproval",
        "LikeAuthorization",
        "QuoteAuthorization",
        "ReplyApproval",
        "ReplyAuthorization",
    }
)


class Rule(Struct, frozen=True, kw_only=True):
    """Who may do one thing with a post: at once, or after the author said yes.

    Each is a list of ids: actors, the author's collections, or the Public collection.
    """

    automatic: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Rule:
        if not isinstance(document, Mapping):
            raise Malformed("The rule of an interaction policy is no object.")
        # The second names are those of GoToSocial before 0.21.
        automatic = document.get("automaticApproval", document.get("always"))
        manual = document.get("manualApproval", document.get("approvalRequired"))
        return cls(
            automatic=values.uris(automatic, NAMED_LIMIT), manual=values.uris(manual, NAMED_LIMIT)
        )

    def document(self) -> dict[str, Any]:
        return {"automaticApproval": list(self.automatic), "manualApproval": list(self.manual)}


class InteractionPolicy(Struct, frozen=True, kw_only=True):
    """What may be done with a post and by whom. A rule that is None was not set: it is open."""

    like: Rule | None = None
    reply: Rule | None = None
    announce: Rule | None = None
    quote: Rule | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> InteractionPolicy:
        if not isinstance(document, Mapping):
            raise Malformed("The interaction policy is no object.")
        return cls(
            like=_rule(document, "canLike"),
            reply=_rule(document, "canReply"),
            announce=_rule(document, "canAnnounce"),
            quote=_rule(document, "canQuote"),
        )

    def document(self) -> dict[str, Any]:
        rules = {
            "canLike": self.like,
            "canReply": self.reply,
            "canAnnounce": self.announce,
            "canQuote": self.quote,
        }
        return {name: rule.document() for name, rule in rules.items() if rule is not None}


def _rule(document: Mapping[str, Any], name: str) -> Rule | None:
    return next(iter(values.records(document.get(name), 1, Rule.parse)), None)


class Approval(Struct, frozen=True, kw_only=True):
    """A stamp: the author of `target` agrees to `object` (FEP-044f calls them `interactionTarget`
    and `interactingObject`). Only an answer from the author's own server is one."""

    id: str
    type: str
    attributed_to: str
    object: str
    target: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Approval:
        """Read a stamp; raises `Malformed` without any of its parts."""
        if not isinstance(document, Mapping) or values.kind(document) not in APPROVAL_TYPES:
            raise Malformed("The document is no approval.")
        author = values.author(document.get("attributedTo"))
        made = values.uri(document.get("interactingObject", document.get("object")))
        target = values.uri(document.get("interactionTarget", document.get("target")))
        if author is None or made is None or target is None:
            raise Malformed("The approval does not say who agrees to what.")
        return cls(
            id=values.required_uri(document, "id"),
            type=values.kind(document),
            attributed_to=author,
            object=made,
            target=target,
        )

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "attributedTo": self.attributed_to,
            "interactingObject": self.object,
            "interactionTarget": self.target,
        }
