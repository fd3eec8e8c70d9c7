"""Posts that are no Notes: an Article, a Page, an Event, a Video, an Audio.

What their type says besides the words stands in `Status.details`, under the names of
ActivityStreams; the title stands before the words as well, where everybody reads it who knows no
types: on our pages, in apps, and in what is searched.
"""

from __future__ import annotations

import html
from typing import Any

from fedi.social import text
from fedi.social.errors import Invalid

NOTE = "Note"
KINDS = frozenset({"Article", "Audio", "Event", "Page", "Video"})
MAX_TITLE = 500  # characters
MAX_DETAIL = 2048  # characters of each further detail: an address, a place

# What a post of such a type may say besides, as ActivityStreams has it; `file` is where a video
# or a sound of another server is, and becomes one of the Links in `url`.
MOMENTS = ("startTime", "endTime")
DETAILS = frozenset({"name", "summary", *MOMENTS, "duration", "location", "file"})

Details = dict[str, Any]


def check(kind: str, details: Details) -> None:
    """Refuse what no post can be.

    Raises:
        Invalid: with the reason.
    """
    if kind != NOTE and kind not in KINDS:
        raise Invalid(f"A post is a {NOTE} or one of {', '.join(sorted(KINDS))}.")
    if not details.keys() <= DETAILS:
        raise Invalid(f"What a post says besides is one of {', '.join(sorted(DETAILS))}.")
    if len(title(details)) > MAX_TITLE:
        raise Invalid(f"A title has at most {MAX_TITLE} characters.")


def title(details: Details | None) -> str:
    """The title of a post; empty, if it has none."""
    return str((details or {}).get("name", ""))


def heading(details: Details | None) -> str:
    """The title as HTML that stands before the words."""
    name = title(details)
    return f"<p><strong>{html.escape(name)}</strong></p>" if name else ""


def footing(details: Details | None) -> str:
    """What stands behind the words: a link to the file that the post is about."""
    file = (details or {}).get("file")
    return f"<p>{text.link_to(file['href'])}</p>" if file else ""


def body(content: str, details: Details | None) -> str:
    """The words of a post without its title and its link, which its type says already."""
    words, link = content.removeprefix(heading(details)), footing(details)
    return words.replace(link, "", 1) if link else words
