"""Between rows and records: what we say to other servers, and what we understand of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from activitypub.addressing import PUBLIC_NAMES, address, read_visibility
from activitypub.errors import Malformed
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
    Mention,
    Multikey,
    Note,
    Poll,
    PublicKey,
    Source,
)
from activitypub.origin import origin, same_origin
from activitypub.signatures.keys import (
    PublicKeyMaterial,
    load_multikey,
    load_public,
    multikey,
    public_pem,
)
from fedi import __version__
from fedi.database.tables import Account, AccountKey, MediaAttachment, Tag
from fedi.settings import InstanceSettings
from fedi.social import policies, text
from fedi.social.accounts import RemoteAccount, is_person
from fedi.social.polls import ReceivedPoll
from fedi.social.posts import Post
from fedi.social.statuses import Received, ReceivedMedia

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
IMPLEMENTS = (
    Capability(
        href="https://datatracker.ietf.org/doc/html/rfc9421",
        name="RFC-9421: HTTP Message Signatures",
    ),
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


def media_url(instance: InstanceSettings, key: str) -> str:
    """Where everybody can fetch a stored file."""
    return f"{instance.url}/media/{key}"


def actor(account: Account, instance: InstanceSettings, keys: Sequence[AccountKey]) -> Actor:
    """A local account and its further keys, as other servers see it."""
    person = is_person(account)
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
        featured_tags=f"{account.uri}/collections/tags" if person else None,
        shared_inbox=account.shared_inbox_uri,
        name=account.display_name,
        summary=account.note,
        url=account.url,
        icon=_picture(account.avatar, account.avatar_description, instance),
        image=_picture(account.header, account.header_description, instance),
        fields=tuple(Field(name=field["name"], value=field["value"]) for field in account.fields),
        public_keys=(
            PublicKey(id=account.public_key_id, owner=account.uri, pem=account.public_key_pem),
        ),
        assertion_methods=tuple(
            Multikey(
                id=key.key_id,
                controller=account.uri,
                multibase=multikey(load_public(key.public_pem)),
            )
            for key in keys
        ),
        manually_approves_followers=account.locked,
        discoverable=account.discoverable,
        indexable=account.indexable,
        published=account.created_at,
        also_known_as=tuple(account.also_known_as),
        moved_to=account.moved_to_uri,
        webfinger=f"{account.username}@{instance.domain}",
        generator=Generator(
            name=f"Easel {__version__}", url=f"{instance.url}/about", implements=IMPLEMENTS
        ),
    )


def _picture(key: str | None, description: str, instance: InstanceSettings) -> Attachment | None:
    if key is None:
        return None
    return Attachment(url=media_url(instance, key), name=description or None)


def note(post: Post, instance: InstanceSettings) -> Note:
    """A local post, as other servers see it."""
    status, account = post.status, post.account
    to, cc = audience(post)
    return Note(
        id=status.uri,
        type="Note",
        attributed_to=account.uri,
        content=status.content,
        language=status.language,
        summary=status.spoiler_text or None,
        sensitive=status.sensitive,
        source=Source(content=status.source, media_type=status.source_type),
        url=status.url,
        published=status.created_at,
        updated=status.edited_at,
        in_reply_to=status.in_reply_to_uri,
        context=status.context_uri,
        is_based_on=status.based_on_uri,
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
        ),
        attachments=tuple(
            attachment(medium, instance, sensitive=status.sensitive) for medium in post.media
        ),
        replies=CollectionLink(id=f"{status.uri}/replies"),
        likes=CollectionLink(id=f"{status.uri}/likes", total_items=status.favourites_count),
        shares=CollectionLink(id=f"{status.uri}/shares", total_items=status.reblogs_count),
        generator=Generator(name=status.generator) if status.generator else None,
    )


def audience(post: Post) -> tuple[list[str], list[str]]:
    """To whom a local post is addressed, and to whom besides."""
    named = [other.uri for other in post.mentions]
    silent = [other.uri for other in post.silent]
    to, cc = address(post.status.visibility, post.account.followers_uri, named)
    return (to + silent, cc) if post.status.visibility == "direct" else (to, cc + silent)


def hashtag(tag: Tag, instance: InstanceSettings) -> Hashtag:
    """A hashtag, with the page that shows what is under it."""
    return Hashtag(name=tag.display_name, href=text.tag_url(tag.name, instance.url))


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
        media_type=medium.media_type,
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
    )


def remote_account(actor: Actor, handle: str) -> RemoteAccount:
    """Somebody elsewhere, as their server describes them.

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
        display_name=text.clean(actor.name or username)[: text.MAX_TAG_LENGTH * 2],
        note=text.sanitise(actor.summary or ""),
        fields=tuple(
            {"name": text.plain(field.name), "value": text.sanitise(field.value)}
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
    )


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
