"""`/settings`: what can be arranged, and where."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.social.sessions import SignedIn
from fedi.web import visitors
from fedi.web.settings import sheets

# The parts, and in each the pages: their paths, what they are called, and what they are for.
PARTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "You": (
        ("/settings/profile", "Profile", "Your name, your words, your picture."),
        ("/settings/privacy", "Privacy and posting", "How you post, and who reaches you."),
        (
            "/settings/training",
            "Training data",
            "Whether others may train on your pictures, and who got which.",
        ),
        ("/settings/for-you", "For you", "A feed of pictures that you may like, if you want one."),
        ("/scheduled", "Posts for later", "What they say, when they go out, and taking one back."),
        ("/settings/appearance", "Appearance", "Light or dark, in this browser."),
        (
            "/settings/security",
            "Signing in",
            "Password, passkeys, one-time codes, mail, browsers and apps.",
        ),
    ),
    "People": (
        ("/settings/followers", "Followers", "Who follows you, and taking somebody off."),
        ("/settings/following", "Following", "Whom you follow."),
        ("/settings/tags", "Hashtags", "Which you follow."),
        ("/settings/requests", "Requests", "Who wants to follow you or to be heard."),
        ("/lists", "Lists", "Some of those whom you follow, read by themselves."),
    ),
    "What you do not want to see": (
        ("/settings/filters", "Filters", "Posts with certain words."),
        ("/settings/muted", "Muted people", "You see nothing of them, and they do not know it."),
        ("/settings/blocked", "Blocked people", "Neither of you sees the other."),
        ("/settings/domains", "Hidden domains", "Whole servers."),
    ),
    "Coming and going": (
        ("/settings/carrying", "Import and export", "Lists as CSV, and all that you made."),
        ("/settings/leaving", "Moving and leaving", "To another server, or for good."),
    ),
}


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings`."""
    return sheets.show(request, "settings.html", parts=PARTS)


routes: list[BaseRoute] = [Route("/settings", show, methods=["GET"])]
