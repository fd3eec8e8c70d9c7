"""WebFinger (RFC 7033) and host-meta (RFC 6415): from `user@host` to an actor and back."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from activitypub.client import Client
from activitypub.objects.actor import Actor


class Resource(Struct, frozen=True, kw_only=True):
    """What WebFinger says of an account: `subject` is `user@host`, confirmed by that host."""

    subject: str
    actor_uri: str
    profile_url: str | None = None


def parse_acct(acct: str) -> tuple[str, str]:
    """`(user, host)` of `user@host`, `@user@host` or `acct:user@host`; host in canonical form
    (lower case, A-labels, default port dropped). Raises `Malformed`."""
    raise NotImplementedError


def parse_query(query_string: bytes | str) -> str:
    """The `resource` of a raw query string, percent-decoded.

    Raises `Malformed` if it is missing, repeated, too long or no UTF-8: snac 2.94 dies of
    `?resource=%00%ff`.
    """
    raise NotImplementedError


def document(*, subject: str, actor_uri: str, profile_url: str | None = None) -> dict[str, Any]:
    """The JRD of one of our accounts; `subject` is `user@host`."""
    raise NotImplementedError


def parse(jrd: Any) -> Resource:
    """Read a JRD. Raises `Malformed` without a subject `acct:` or a usable `self` link."""
    raise NotImplementedError


def host_meta(base_url: str) -> str:
    """The XRD of `/.well-known/host-meta`, pointing to WebFinger at `base_url`."""
    raise NotImplementedError


async def resolve(client: Client, acct: str) -> Resource:
    """Look an account up.

    Falls back to host-meta on 404; where the subject is another account, that one is asked
    once more and must confirm itself with the same actor (split domain). Raises `FetchError`
    or `Malformed`.
    """
    raise NotImplementedError


async def confirm(client: Client, actor: Actor) -> str | None:
    """The handle `user@host` that WebFinger confirms for this actor, else None.

    Asks for the actor's own `webfinger` (FEP-2c59) first if it has one, then for
    `preferredUsername` at the host of its id. Raises `FetchError` where trying later may help.
    """
    raise NotImplementedError
