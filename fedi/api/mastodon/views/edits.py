"""What statuses were before they were changed, as apps get it."""

from __future__ import annotations

from msgspec.structs import replace

from fedi.api.mastodon import entities
from fedi.api.mastodon.views import frames
from fedi.database import Session
from fedi.database.tables import MediaAttachment, Status
from fedi.runtime import Easel
from fedi.social import edits, posts
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.claims import Claim


async def history(
    easel: Easel, session: Session, status: Status, author: entities.Account
) -> list[entities.StatusEdit]:
    """All that a status was, the oldest first; the last is what it is."""
    kept = await edits.of_status(session, status)
    media = await edits.media_of(session, status, kept)
    [post] = await posts.assemble(session, [status], None)
    emojis = [Claim("emoji", emoji["url"]) for edit in kept for emoji in edit.emojis]
    shown = [claims.of_media(medium) for medium in media.values() if not medium.file]
    wanted = [*claims.of_posts([post]), *(one for one in shown if one is not None), *emojis]
    hung = await gallery.of(easel, session, wanted)

    def picture(medium: MediaAttachment, description: str | None) -> entities.MediaAttachment:
        return replace(frames.attachment(medium, hung), description=description or None)

    found = [
        entities.StatusEdit(
            content=edit.content,
            spoiler_text=edit.spoiler_text,
            sensitive=edit.sensitive,
            created_at=entities.moment(edit.created_at),
            account=author,
            poll=_poll(edit.poll),
            media_attachments=[
                picture(media[entry["id"]], entry["description"])
                for entry in edit.media
                if entry["id"] in media
            ],
            emojis=frames.emojis(edit.emojis, hung),
        )
        for edit in kept
    ]
    now = entities.StatusEdit(
        content=status.content,
        spoiler_text=status.spoiler_text,
        sensitive=status.sensitive,
        created_at=entities.moment(status.edited_at or status.created_at),
        account=author,
        poll=_poll([option["title"] for option in post.poll.options] if post.poll else None),
        media_attachments=[picture(medium, medium.description) for medium in post.media],
        emojis=frames.emojis(status.emojis, hung),
    )
    return [*found, now]


def _poll(titles: list[str] | None) -> entities.EditedPoll | entities.Omitted:
    if titles is None:
        return entities.UNSET
    return entities.EditedPoll(options=[entities.EditedOption(title=title) for title in titles])
