"""What we say to other servers: local rows as ActivityPub records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from activitypub.addressing import address
from activitypub.objects import (
    Actor,
    Attachment,
    Capability,
    CollectionLink,
    Emoji,
    Field,
    Generator,
    Hashtag,
    InteractionPolicy,
    Link,
    Mention,
    Multikey,
    Note,
    Poll,
    PollOption,
    PublicKey,
    Source,
)
from activitypub.signatures.keys import load_public, multikey
from fedi import __version__
from fedi.database import tables
from fedi.database.tables import Account, AccountKey, MediaAttachment, Tag
from fedi.settings import InstanceSettings
from fedi.social import kinds, policies, polls, text
from fedi.social.account_keys import Listed
from fedi.social.accounts import is_person
from fedi.social.posts import Post
from fedi.social.training import standing
from generation.recipe import Recipe

IMPLEMENTS = (
    Capability(
        href="https://datatracker.ietf.org/doc/html/rfc9421",
        name="RFC-9421: HTTP Message Signatures",
    ),
)

NO_TRAINING = "noai, noimageai"  # FEP-5e53: what our pages say, too (`web.render.ROBOTS`)
EMOJI_TYPES = {"png": "image/png", "gif": "image/gif", "webp": "image/webp"}


def media_url(instance: InstanceSettings, key: str) -> str:
    """Where everybody can fetch a stored file."""
    return f"{instance.url}/media/{key}"


def actor(
    account: Account, instance: InstanceSettings, keys: Sequence[AccountKey | Listed]
) -> Actor:
    """A local account and its further keys, as other servers see it; of a suspended one nothing
    but that it is."""
    person = is_person(account)
    if account.suspended_at is not None:
        return _suspended(account, keys)
    return Actor(
        id=account.uri,
        type=account.actor_type,
        preferred_username=account.username,
        inbox=account.inbox_uri,
        outbox=account.outbox_uri,
        followers=account.followers_uri,
        following=account.following_uri,
        liked=f"{account.uri}/liked" if person else None,
        featured=account.featured_uri,
        featured_tags=featured_tags_uri(account) if person else None,
        **(_for_apps(account) if person else {}),
        shared_inbox=account.shared_inbox_uri,
        **(_signing_in(instance) if person else {}),
        name=account.display_name,
        summary=account.note,
        url=account.url,
        icon=_picture(account.avatar, account.avatar_description, instance),
        image=_picture(account.header, account.header_description, instance),
        fields=tuple(Field(name=field["name"], value=field["value"]) for field in account.fields),
        tags=emojis(account.emojis),
        public_keys=_public_keys(account),
        assertion_methods=_further_keys(account, keys),
        manually_approves_followers=account.locked,
        discoverable=account.discoverable,
        indexable=account.indexable,
        published=account.created_at,
        also_known_as=tuple(account.also_known_as),
        attribution_domains=tuple(account.attribution_domains),
        moved_to=account.moved_to_uri,
        webfinger=f"{account.username}@{instance.domain}",
        generator=Generator(
            name=f"Easel {__version__}", url=f"{instance.url}/about", implements=IMPLEMENTS
        ),
        robots=NO_TRAINING if person and not standing.allows(account) else None,
    )


def _signing_in(instance: InstanceSettings) -> dict[str, Any]:
    """Where apps get leave to act for anybody here (`fedi.api.oauth`)."""
    return {
        "oauth_authorization": f"{instance.url}/oauth/authorize",
        "oauth_token": f"{instance.url}/oauth/token",
        "oauth_registration": f"{instance.url}/oauth/register",
        "object_as_client_id": True,
    }


def _for_apps(account: Account) -> dict[str, Any]:
    """What only the account's own apps use (`fedi.api.client`)."""
    return {
        "pending_followers": f"{account.uri}/pendingFollowers",
        "pending_following": f"{account.uri}/pendingFollowing",
        "blocked": f"{account.uri}/blocked",
        "event_stream": f"{account.uri}/events",
        "proxy_url": f"{account.uri}/proxy",
        "upload_media": f"{account.uri}/uploads",
    }


def _suspended(account: Account, keys: Sequence[AccountKey | Listed]) -> Actor:
    return Actor(
        id=account.uri,
        type=account.actor_type,
        preferred_username=account.username,
        inbox=account.inbox_uri,
        outbox=account.outbox_uri,
        followers=account.followers_uri,
        following=account.following_uri,
        shared_inbox=account.shared_inbox_uri,
        name=account.username,
        url=account.url,
        public_keys=_public_keys(account),
        assertion_methods=_further_keys(account, keys),
        manually_approves_followers=True,
        discoverable=False,
        indexable=False,
        suspended=True,
    )


def _public_keys(account: Account) -> tuple[PublicKey, ...]:
    key = PublicKey(id=account.public_key_id, owner=account.uri, pem=account.public_key_pem)
    return (key,)


def _further_keys(account: Account, keys: Sequence[AccountKey | Listed]) -> tuple[Multikey, ...]:
    return tuple(
        Multikey(id=key.key_id, controller=account.uri, multibase=_multibase(key.public_pem))
        for key in keys
    )


@lru_cache(maxsize=4096)
def _multibase(pem: str) -> str:
    return multikey(load_public(pem))


def _picture(key: str | None, description: str, instance: InstanceSettings) -> Attachment | None:
    if key is None:
        return None
    return Attachment(url=media_url(instance, key), name=description or None)


def note(post: Post, instance: InstanceSettings, now: datetime) -> Note:
    """A local post, as other servers see it."""
    status, account = post.status, post.account
    to, cc = audience(post)
    return Note(
        id=status.uri,
        type=status.object_type,
        attributed_to=account.uri,
        name=kinds.title(status.details) or None,
        content=kinds.body(status.content, status.details),
        details=_details(status.details),
        files=_files(status.details),
        language=status.language,
        summary=status.spoiler_text or (status.details or {}).get("summary"),
        sensitive=post.sensitive,
        source=Source(content=status.source, media_type=status.source_type),
        url=status.url,
        published=status.created_at,
        updated=status.edited_at,
        poll=poll(post.poll, now) if post.poll is not None else None,
        in_reply_to=status.in_reply_to_uri,
        context=status.context_uri,
        is_based_on=status.based_on_uri,
        quote=post.quoting.quoted_uri if post.quoting is not None else None,
        quote_authorization=_stamp(post.quoting),
        approved_by=status.approved_by,
        interaction_policy=InteractionPolicy.parse(
            # posts from before there were policies
            status.interaction_policy or policies.for_quotes(account, status.visibility, "public")
        ),
        to=tuple(to),
        cc=tuple(cc),
        tags=(
            *(
                Mention(href=other.uri, name=f"@{full_handle(other, instance)}")
                for other in post.mentions
            ),
            *(hashtag(tag, instance) for tag in post.tags),
            *emojis(status.emojis),
        ),
        attachments=tuple(
            attachment(medium, instance, sensitive=post.sensitive) for medium in post.media
        ),
        replies=CollectionLink(id=f"{status.uri}/replies"),
        likes=CollectionLink(id=f"{status.uri}/likes", total_items=status.favourites_count),
        shares=CollectionLink(id=f"{status.uri}/shares", total_items=status.reblogs_count),
        generator=Generator(name=status.generator) if status.generator else None,
    )


def _details(details: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a post that is no Note says besides, but for what a Note has, too."""
    return {k: v for k, v in (details or {}).items() if k not in {"name", "summary", "file"}}


def _files(details: Mapping[str, Any] | None) -> tuple[Link, ...]:
    """The video or the sound that a post is about."""
    file = (details or {}).get("file")
    return (Link(href=file["href"], media_type=file.get("mediaType")),) if file else ()


def _stamp(quote: tables.Quote | None) -> str | None:
    """Where the author of what a post quotes shows that they agree."""
    return quote.authorization_uri if quote is not None and quote.state == "accepted" else None


def poll(asked: tables.Poll, now: datetime) -> Poll:
    """What a local post asks; counts that nobody is to see yet are told to nobody."""
    ended = polls.has_ended(asked, now)
    hidden = asked.hide_totals and not ended
    return Poll(
        options=tuple(
            PollOption(name=option["title"], votes=0 if hidden else option["votes_count"])
            for option in asked.options
        ),
        multiple=asked.multiple,
        voters=asked.voters_count,
        ends=asked.ends_at,
        closed=ended,
    )


def audience(post: Post) -> tuple[list[str], list[str]]:
    """To whom a local post is addressed, and to whom besides."""
    named = [other.uri for other in post.mentions]
    silent = [other.uri for other in post.silent]
    to, cc = address(post.status.visibility, post.account.followers_uri, named)
    return (to + silent, cc) if post.status.visibility == "direct" else (to, cc + silent)


def featured_tags_uri(account: Account) -> str:
    """The collection of the hashtags that a local account shows."""
    return f"{account.uri}/collections/tags"


def hashtag(tag: Tag, instance: InstanceSettings) -> Hashtag:
    """A hashtag, with the page that shows what is under it."""
    return Hashtag(name=tag.display_name, href=text.tag_url(tag.name, instance.url))


def emojis(used: Sequence[Mapping[str, str]]) -> tuple[Emoji, ...]:
    """The emoji of a local text. Their id is the address of the picture, which is never another
    picture."""
    return tuple(
        Emoji(
            id=emoji["url"],
            name=emoji["shortcode"],
            url=emoji["url"],
            media_type=EMOJI_TYPES.get(emoji["url"].rpartition(".")[2]),
            updated=datetime.fromisoformat(emoji["updated"]),
        )
        for emoji in used
    )


def full_handle(account: Account, instance: InstanceSettings) -> str:
    """`user@host`, for local accounts too."""
    return f"{account.username}@{account.domain or instance.domain}"


def attachment(
    medium: MediaAttachment, instance: InstanceSettings, *, sensitive: bool = False
) -> Attachment:
    """A picture, in the shape that every receiver we know shows (peers.md 10)."""
    url = media_url(instance, medium.file) if medium.file else medium.remote_url
    focal = None
    if medium.focus_x is not None and medium.focus_y is not None:
        focal = (medium.focus_x, medium.focus_y)
    elif medium.file:
        focal = (0.0, 0.0)  # the middle, where nobody chose: a painting, and most uploads
    return Attachment(
        type="Image",
        url=url,
        media_type=medium.media_type or None,
        name=medium.description or None,
        width=medium.width,
        height=medium.height,
        blurhash=medium.blurhash,
        focal_point=focal,
        digest_multibase=medium.digest,
        size=medium.size,
        sensitive=sensitive or None,
        digital_source_type=medium.digital_source_type,
        ai_system=medium.ai_system or None,
        ai_system_version=medium.ai_system_version or None,
        ai_prompt=medium.ai_prompt if medium.share_recipe and medium.ai_prompt else None,
        recipe=_recipe(medium) if medium.share_recipe else None,
    )


def _recipe(medium: MediaAttachment) -> dict[str, Any] | None:
    """What others can paint from; the pictures that it began with are its author's."""
    try:
        return Recipe.from_document(medium.recipe or {}).shared().document()
    except msgspec.ValidationError:  # there is none
        return None
