"""What we understand of other servers: ActivityPub records as rows to be stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from activitypub.addressing import PUBLIC_NAMES, read_visibility
from activitypub.errors import Malformed
from activitypub.objects import Actor, Attachment, Emoji, Hashtag, Mention, Note, Poll
from activitypub.origin import origin, same_origin
from activitypub.signatures.keys import PublicKeyMaterial, load_multikey, load_public, public_pem
from fedi.database.tables import Account
from fedi.social import text
from fedi.social.polls import ReceivedPoll
from fedi.social.remote_accounts import RemoteAccount
from fedi.social.statuses import Received, ReceivedMedia
from generation.recipe import Recipe, RecipeError

MAX_FIELDS = 20  # profile fields that are kept; Mastodon shows 4 of its own and 50 of others
MAX_EMOJIS = 100  # custom emoji of one post or profile that are kept
MAX_ALIASES = 20

# Hashtags that say a picture was made by AI (provenance.md 5.1), folded.
AI_TAGS = frozenset(
    {"aigenerated", "aiart", "aiimage", "aiimages", "aigeneratedart", "aigeneratedimage",
     "generativeai", "genaiart", "madewithai", "stablediffusion", "midjourney", "kiart"}
)  # fmt: skip
GENERATED = ("trainedAlgorithmicMedia", "TrainedAlgorithmicMediaDigitalSource", "algorithmicMedia")
EDITED = (
    "compositeWithTrainedAlgorithmicMedia",
    "CompositeWithTrainedAlgorithmicMediaDigitalSource",
    "algorithmicallyEnhanced",
    "AlgorithmicallyEnhancedDigitalSource",
)
WRITTEN = frozenset({"Note", "Question"})  # what is read here rather than on its own page
PLAIN_TYPES = frozenset({"text/plain", "text/markdown"})
MEDIA = ("image/", "video/", "audio/")
ENDINGS = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
}


def remote_account(actor: Actor, handle: str) -> RemoteAccount:
    """Somebody elsewhere, as their server describes them: in words that are not harmless yet.

    Args:
        actor: their document, from their own origin.
        handle: `user@host`, as WebFinger confirmed it.
    """
    username, _, domain = handle.rpartition("@")
    keys = keys_of(actor)
    main = next((key.id for key in actor.public_keys if key.id in keys), None)
    return RemoteAccount(
        uri=actor.id,
        username=username,
        domain=domain.lower(),
        inbox_uri=actor.inbox,
        url=actor.url or actor.id,
        actor_type=actor.type,
        display_name=actor.name or username,
        note=actor.summary or "",
        fields=tuple(
            {"name": text.plain(field.name), "value": field.value}
            for field in actor.fields[:MAX_FIELDS]
        ),
        emojis=_emojis(actor.tags),
        avatar=actor.icon.url if actor.icon else None,
        avatar_description=(actor.icon.name or "") if actor.icon else "",
        header=actor.image.url if actor.image else None,
        header_description=(actor.image.name or "") if actor.image else "",
        outbox_uri=actor.outbox or "",
        shared_inbox_uri=actor.shared_inbox,
        followers_uri=actor.followers or "",
        following_uri=actor.following or "",
        featured_uri=actor.featured,
        public_key_id=main or "",
        public_key_pem=public_pem(keys[main]) if main else "",
        further_keys=tuple(
            (key_id, public_pem(key)) for key_id, key in keys.items() if key_id != main
        ),
        locked=actor.manually_approves_followers,
        discoverable=bool(actor.discoverable),
        indexable=bool(actor.indexable),
        also_known_as=actor.also_known_as[:MAX_ALIASES],
        moved_to_uri=actor.moved_to,
        created_at=actor.published,
    )


def keys_of(actor: Actor, fetched: str | None = None) -> dict[str, PublicKeyMaterial]:
    """The keys of an actor that can be used, by id. A key id of another origin could be somebody
    else's: it is believed only where it was `fetched`."""
    found: dict[str, PublicKeyMaterial] = {}
    for key_id, load, written in (
        *((key.id, load_public, key.pem) for key in actor.public_keys),
        *((key.id, load_multikey, key.multibase) for key in actor.assertion_methods),
    ):
        believed = key_id == fetched or same_origin(key_id, actor.id)
        if believed and key_id not in found:
            with suppress(Malformed):
                found[key_id] = load(written)
    return found


def _emojis(tags: Iterable[object]) -> tuple[dict[str, str], ...]:
    found = [tag for tag in tags if isinstance(tag, Emoji)]
    return tuple({"shortcode": emoji.name, "url": emoji.url} for emoji in found[:MAX_EMOJIS])


def received(note: Note, author: Account, known: Mapping[str, int]) -> Received:
    """A post from elsewhere.

    Args:
        note: it, believed.
        author: whose it is.
        known: ids of the accounts that it names or addresses, by uri, as far as we know them.
    """
    assert note.id is not None
    to, cc = note.to, (*note.cc, *note.audience)
    named = [tag.href for tag in note.tags if isinstance(tag, Mention)]
    addressed = [*to, *cc, *note.bto, *note.bcc]
    mentions = tuple(dict.fromkeys(known[uri] for uri in named if uri in known))
    silent = tuple(
        dict.fromkeys(
            known[uri] for uri in addressed if uri in known and known[uri] not in mentions
        )
    )
    tags = tuple(tag.name for tag in note.tags if isinstance(tag, Hashtag))
    media = tuple(_received_media(entry) for entry in _pictures(note))
    replies = note.replies.id if note.replies else None
    return Received(
        uri=note.id,
        url=note.url or note.id,
        object_type=note.type,
        content=_content(note),
        source=note.source.content if note.source else "",
        spoiler_text=note.summary or "" if note.type in WRITTEN else "",
        sensitive=note.sensitive or bool(note.summary and note.type in WRITTEN),
        visibility=read_visibility(to, cc, author.followers_uri).value,
        language=note.language,
        published=note.published,
        updated=note.updated,
        in_reply_to_uri=note.in_reply_to,
        context_uri=note.context if note.context and origin(note.context) else None,
        replies_uri=replies if same_origin(replies, note.id) else None,
        mentions=mentions,
        silent_mentions=silent,
        tags=tags,
        media=media,
        emojis=_emojis(note.tags),
        audience={"to": list(to[:100]), "cc": list(cc[:100])},
        ai=_ai(tags, media),
        generator=(note.generator.name or "") if note.generator else "",
        based_on_uri=note.is_based_on,
        interaction_policy=note.interaction_policy.document() if note.interaction_policy else None,
        poll=_poll(note.poll) if note.poll else None,
        quoted_uri=note.quote,
        quote_stamp=note.quote_authorization,
        approved_by=note.approved_by,
    )


def _poll(poll: Poll) -> ReceivedPoll:
    return ReceivedPoll(
        options=tuple((option.name, option.votes) for option in poll.options),
        multiple=poll.multiple,
        voters=poll.voters,
        ends_at=poll.ends,
        closed=poll.closed,
    )


def _pictures(note: Note) -> list[Attachment]:
    """What a post shows; of what is no Note and shows nothing, the largest of its previews."""
    shown = [entry for entry in note.attachments if entry.url and not _is_link(entry)]
    if shown or note.type in WRITTEN or not note.previews:
        return shown
    return [max(note.previews, key=lambda preview: preview.width or 0)]


def _is_link(entry: Attachment) -> bool:
    """A Link leads to a page (Lemmy 0.19 writes so what a post is about), unless it says more."""
    return entry.type in {"Link", "Page"} and not (entry.media_type or "").startswith(MEDIA)


def _content(note: Note) -> str:
    """The HTML of a post; what has a title and a page of its own is shown as a link to it."""
    content = note.content
    if note.media_type in PLAIN_TYPES:  # PeerTube 7 writes Markdown
        content = "".join(
            f"<p>{_escaped(lines)}</p>" for lines in content.split("\n\n") if lines.strip()
        ).replace("\n", "<br>")
    about = "".join(_link(entry.url) for entry in note.attachments if entry.url and _is_link(entry))
    if note.type in WRITTEN:
        return f"{content}{about}"
    title = f"<p><strong>{_escaped(note.name)}</strong></p>" if note.name else ""
    body = note.summary or content if note.type == "Article" else content or note.summary
    return f"{title}{body or ''}{about}{_link(note.url or note.id or '')}"


def _link(url: str) -> str:
    return f'<p><a href="{_escaped(url)}">{_escaped(url)}</a></p>'


def _escaped(words: str) -> str:
    return (
        words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )


def _received_media(entry: Attachment) -> ReceivedMedia:
    assert entry.url is not None
    # BookWyrm 0.7 names no media type: what the address ends in is as good as its word.
    ending = entry.url.partition("?")[0].rpartition(".")[2].lower()
    media_type = entry.media_type or ENDINGS.get(ending, "")
    kind = media_type.partition("/")[0]
    known = {"Image": "image", "Video": "video", "Audio": "audio"}
    focus = entry.focal_point or (None, None)
    return ReceivedMedia(
        remote_url=entry.url,
        type=kind if kind in known.values() else known.get(entry.type, "unknown"),
        media_type=media_type,
        description=entry.name or "",
        width=entry.width,
        height=entry.height,
        size=entry.size,
        blurhash=entry.blurhash,
        focus_x=focus[0],
        focus_y=focus[1],
        digest=entry.digest_multibase,
        digital_source_type=entry.digital_source_type,
        ai_system=entry.ai_system or "",
        ai_system_version=entry.ai_system_version or "",
        ai_prompt=entry.ai_prompt or "",
        recipe=_recipe(entry.recipe),
    )


def _recipe(stated: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a picture from elsewhere was painted from, as far as it could be painted here."""
    try:
        return None if stated is None else Recipe.parse(stated).shared().document()
    except RecipeError:
        return None


def _ai(tags: Iterable[str], media: Iterable[ReceivedMedia]) -> str:
    """What a post says of where its pictures come from."""
    kinds = [(medium.digital_source_type or "").rpartition("/")[2] for medium in media]
    if any(kind in GENERATED for kind in kinds):
        return "generated"
    if any(kind in EDITED for kind in kinds):
        return "edited"
    if kinds and all(kinds):
        return "none"
    if any(text.normal_tag(tag) in AI_TAGS for tag in tags):
        return "generated"
    return "undeclared"


def addressed_actors(note: Note) -> list[str]:
    """Everybody whom a post names or addresses, collections included."""
    named = [tag.href for tag in note.tags if isinstance(tag, Mention)]
    everybody = [*named, *note.to, *note.cc, *note.audience, *note.bto, *note.bcc]
    return [uri for uri in dict.fromkeys(everybody) if uri not in PUBLIC_NAMES]
