"""Posts of other servers, for the apps of our own people: as we keep them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from activitypub.objects import Attachment, Emoji, Generator, Mention, Note
from fedi.database.tables import MediaAttachment
from fedi.federation.translate import outward
from fedi.settings import InstanceSettings
from fedi.social.posts import Post

TYPES = {"image": "Image", "gifv": "Video", "video": "Video", "audio": "Audio"}


def note(post: Post, instance: InstanceSettings, now: datetime) -> Note:
    """A post from elsewhere: its words are sanitised, its files where their server has them, and
    what nobody here would ever ask for is left out."""
    status = post.status
    sent = status.audience or dict(zip(("to", "cc"), outward.audience(post), strict=True))
    return Note(
        id=status.uri,
        type=status.object_type,
        attributed_to=post.account.uri,
        content=status.content,
        language=status.language,
        summary=status.spoiler_text or None,
        sensitive=status.sensitive,
        url=status.url,
        published=status.created_at,
        updated=status.edited_at,
        poll=outward.poll(post.poll, now) if post.poll is not None else None,
        in_reply_to=status.in_reply_to_uri,
        context=status.context_uri,
        is_based_on=status.based_on_uri,
        quote=post.quoting.quoted_uri if post.quoting is not None else None,
        to=tuple(filter(None, sent.get("to", ()))),
        cc=tuple(filter(None, sent.get("cc", ()))),
        tags=(
            *(
                Mention(href=other.uri, name=f"@{outward.full_handle(other, instance)}")
                for other in post.mentions
            ),
            *(outward.hashtag(tag, instance) for tag in post.tags),
            *(Emoji(name=emoji["shortcode"], url=emoji["url"]) for emoji in status.emojis),
        ),
        attachments=tuple(_attachment(medium, instance) for medium in post.media),
        generator=Generator(name=status.generator) if status.generator else None,
    )


def _attachment(medium: MediaAttachment, instance: InstanceSettings) -> Attachment:
    made = outward.attachment(medium, instance)
    return msgspec.structs.replace(made, type=TYPES.get(medium.type, "Document"))
