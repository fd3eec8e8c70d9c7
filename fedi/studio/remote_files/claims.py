"""What somebody says of a file elsewhere, and the address of ours under which it is read.

The address carries the whole claim and is signed with a secret of this instance: whoever has it
got it from us, so nobody can have us fetch what they like (attack 43), and no page has to write a
row before it can show a picture.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from msgspec import Struct

from activitypub.origin import origin
from fedi.database.insertion import add_once
from fedi.database.tables import (
    Account,
    InstanceSecret,
    LinkPreview,
    MediaAttachment,
    RemoteFile,
)
from fedi.runtime import Easel
from fedi.social.posts import Post

Kind = Literal["attachment", "avatar", "header", "emoji", "preview"]
Rendition = Literal["original", "small"]

MAX_URL = 2048  # bytes; what is longer is linked and not shown
KEY_BYTES = 16  # of the signature: as hard to guess as a UUID
SECRET_BYTES = 32
KEPT = 5_000  # claims whose signatures are remembered, about 1 kB each: pages show the same again
SECRET_NAME = "remote files"

_addresses: WeakKeyDictionary[Easel, Addresses] = WeakKeyDictionary()


class Claim(Struct, frozen=True):
    """A file elsewhere, as it is claimed. `digest` and `size` (bytes) are those of FEP-1311."""

    kind: Kind
    url: str
    digest: str | None = None
    size: int | None = None

    @property
    def host(self) -> str:
        return _host(self.url)


@lru_cache(KEPT)
def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


class Addresses:
    """Makes and reads the signed addresses of one instance.

    Args:
        secret: of this instance alone; with another one all addresses change.
        own: the origin of this instance, whose files are nobody else's.
    """

    def __init__(self, secret: bytes, own: str) -> None:
        self._secret = secret
        self._own = own
        self._signed = lru_cache(KEPT)(self._sign_packed)

    def usable(self, claim: Claim) -> bool:
        """Whether a file can be fetched for readers; what cannot is only linked."""
        found = origin(claim.url)
        return found is not None and found != self._own and len(claim.url.encode()) <= MAX_URL

    def key(self, claim: Claim) -> str:
        """What stands for a claim in the database: its signature."""
        return self._signed(claim)[0]

    def path(self, claim: Claim, rendition: Rendition) -> str:
        """Where readers get the file, under our own origin."""
        key, packed = self._signed(claim)
        return f"/media/remote/{key}/{packed}/{rendition}"

    def read(self, key: str, packed: str) -> Claim | None:
        """The claim of an address of ours; None if we never made it."""
        try:
            raw = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        except (ValueError, binascii.Error):
            return None
        if not hmac.compare_digest(self._sign(raw).encode(), key.encode()):
            return None
        kind, digest, size, url = raw.decode().split("\n", 3)
        return Claim(cast(Kind, kind), url, digest or None, int(size) if size else None)

    def _sign_packed(self, claim: Claim) -> tuple[str, str]:
        """The signature of a claim, and the claim as it stands in an address."""
        packed = _packed(claim)
        return self._sign(packed), _text(packed)

    def _sign(self, packed: bytes) -> str:
        return _text(hmac.digest(self._secret, packed, "sha256")[:KEY_BYTES])


def _packed(claim: Claim) -> bytes:
    size = "" if claim.size is None else str(claim.size)
    return "\n".join((claim.kind, claim.digest or "", size, claim.url)).encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def addresses(easel: Easel) -> Addresses:
    """The addresses of an instance; its secret is made when it is first needed."""
    made = _addresses.get(easel)
    if made is None:
        async with easel.database.read() as session:
            row = await session.get(InstanceSecret, SECRET_NAME)
        if row is None:
            fresh = secrets.token_urlsafe(SECRET_BYTES)
            async with easel.database.write() as tx:
                await add_once(tx, InstanceSecret(name=SECRET_NAME, value=fresh, created_at=tx.now))
            async with easel.database.read() as session:  # perhaps another process was first
                row = await session.get_one(InstanceSecret, SECRET_NAME)
        made = Addresses(row.value.encode(), easel.settings.instance.url)
        _addresses[easel] = made
    return made


def of_row(row: RemoteFile) -> Claim:
    """The claim that a row is about."""
    return Claim(cast(Kind, row.kind), row.url, row.promised_digest, row.promised_size)


def of_media(media: MediaAttachment) -> Claim | None:
    """The claim of a post's medium, if it lies elsewhere."""
    if media.file or not media.remote_url:
        return None
    return Claim("attachment", media.remote_url, media.digest, media.size)


def of_account(account: Account) -> list[Claim]:
    """The pictures of somebody elsewhere."""
    if account.local:
        return []
    found: list[Claim] = []
    if account.avatar:
        found.append(Claim("avatar", account.avatar))
    if account.header:
        found.append(Claim("header", account.header))
    return found + of_emojis(account.emojis)


def of_emojis(emojis: Iterable[dict[str, str]]) -> list[Claim]:
    """Custom emojis, as accounts and statuses keep them."""
    return [Claim("emoji", emoji["url"]) for emoji in emojis if emoji.get("url")]


def of_preview(preview: LinkPreview | None) -> list[Claim]:
    """The picture of a page that posts link to."""
    return [Claim("preview", preview.image_url)] if preview and preview.image_url else []


def of_posts(posts: Iterable[Post]) -> list[Claim]:
    """Everything from elsewhere that some posts show, boosted ones included, once each."""
    found: dict[Claim, None] = {}
    for post in posts:
        for each in (post, post.reblog) if post.reblog else (post,):
            media = [claim for medium in each.media if (claim := of_media(medium))]
            faces = of_account(each.account)
            page = of_preview(each.preview)
            if each.writer is not None:
                page += of_account(each.writer)
            for claim in (*media, *faces, *of_emojis(each.status.emojis), *page):
                found[claim] = None
    return list(found)
