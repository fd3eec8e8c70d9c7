"""Custom emoji, ours and others': their shortcodes become small pictures, from our own origin."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from fedi.studio.remote_files.claims import Claim
from fedi.studio.remote_files.gallery import Gallery

MAX_DRAWN = 200  # in one text; a page of nothing but shortcodes would be a flood of pictures
MAX_SHORTCODE = 64  # characters; Mastodon's have 2 to about 40

# A tag of sanitised HTML (its attributes stand in double quotes), or a shortcode.
_PIECE = re.compile(rf'<(?:"[^"]*"|[^">])*>|:([^\s:<>&"]{{1,{MAX_SHORTCODE}}}):')
_LITERAL = re.compile(r"<(/?)(?:code|pre)\b")


def drawn(html: str, emojis: Iterable[dict[str, str]], gallery: Gallery) -> Markup:
    """Sanitised HTML with its emoji; in code they stay as they were written.

    Args:
        html: safe as it is.
        emojis: those that its author's server names, as accounts and statuses keep them.
        gallery: of the page.
    """
    # Of our own there is one that does not move.
    known = {
        emoji.get("shortcode"): emoji.get("static_url") or emoji.get("url") for emoji in emojis
    }
    if not known:
        return Markup(html)
    left, literal = MAX_DRAWN, 0

    def draw(found: re.Match[str]) -> str:
        nonlocal left, literal
        piece, code = found[0], found[1]
        if code is None:
            if tag := _LITERAL.match(piece):
                literal += -1 if tag[1] else 1
            return piece
        url = known.get(code)
        framed = gallery.find(Claim("emoji", url)) if url and left and not literal else None
        if framed is None or framed.error:
            return piece
        left -= 1
        return _EMOJI.format(source=framed.small, code=piece)

    return Markup(_PIECE.sub(draw, html))


def drawn_text(text: str, emojis: Iterable[dict[str, str]], gallery: Gallery) -> Markup:
    """Plain text, such as a name, with its emoji."""
    return drawn(str(escape(text)), emojis, gallery)


_EMOJI = Markup(
    '<img class="emoji" src="{source}" alt="{code}" title="{code}" width="20" height="20" '
    'loading="lazy" decoding="async">'
)
