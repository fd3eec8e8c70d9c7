"""The pages that people open in a browser, and the files that they show.

`routes` is what the application serves; `error_page` is how it says what is wrong, and `recognise`
finds out first to whom. Pages work without JavaScript, load nothing from another host, and show
only what `social.statuses.visible_to(viewer)` shows to who is signed in, or to everybody; what is
for one person alone, no cache keeps.
"""

from __future__ import annotations

from starlette.routing import BaseRoute

import fedi.numbers  # noqa: F401  (before any pattern)
from fedi.web import (
    admin,
    announced,
    appearance,
    authorize,
    composing,
    crawlers,
    deeds,
    editing,
    events,
    explore,
    feed_pages,
    feeds,
    for_you,
    founding,
    intents,
    interacting,
    joining,
    keeping,
    lists,
    mailed,
    manifest,
    messages,
    notices,
    pages,
    profiles,
    reacting,
    rewriting,
    scheduled,
    searching,
    security,
    settings,
    sharing,
    signing_in,
    studio,
    tags,
    ties,
    voting,
)
from fedi.web.render import error_page
from fedi.web.visitors import of as recognise

routes: list[BaseRoute] = [
    *crawlers.routes,
    *feeds.routes,
    *manifest.routes,
    *feed_pages.routes,
    *announced.routes,
    *for_you.routes,
    *tags.routes,
    *events.routes,
    *notices.routes,
    *searching.routes,
    *explore.routes,
    *keeping.routes,
    *lists.routes,
    *messages.routes,
    *rewriting.routes,
    *scheduled.routes,
    *voting.routes,
    *editing.routes,
    *deeds.routes,
    *ties.routes,
    *composing.routes,
    *sharing.routes,
    *pages.routes,
    *profiles.routes,
    *intents.routes,
    *reacting.routes,
    *interacting.routes,
    *signing_in.routes,
    *founding.routes,
    *joining.routes,
    *mailed.routes,
    *authorize.routes,
    *security.routes,
    *settings.routes,
    *studio.routes,
    *appearance.routes,
    *admin.routes,
]

__all__ = ["error_page", "recognise", "routes"]
