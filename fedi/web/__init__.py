"""The pages that people open in a browser, and the files that they show.

`routes` is what the application serves; `error_page` is how it says what is wrong. Pages work
without JavaScript, load nothing from another host, and show only what
`social.statuses.visible_to(None)` shows to everybody; what is for one person alone, no cache keeps.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.web import (
    authorize,
    crawlers,
    feeds,
    intents,
    joining,
    mailed,
    manifest,
    pages,
    reacting,
    security,
    signing_in,
)
from fedi.web.render import error_page

routes: list[BaseRoute] = [
    *crawlers.routes,
    *feeds.routes,
    *manifest.routes,
    *pages.routes,
    *intents.routes,
    *reacting.routes,
    *signing_in.routes,
    *joining.routes,
    *mailed.routes,
    *authorize.routes,
    *security.routes,
]

__all__ = ["error_page", "routes"]
