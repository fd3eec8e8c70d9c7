"""Explore: what many people here do something with these days and why; and remix trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activitypub.context import accepts_activity
from fedi.database import Session
from fedi.database.tables import Account, LinkPreview, Status
from fedi.runtime import easel_of
from fedi.social import posts, previews, remixes, suggestions
from fedi.social.posts import Post
from fedi.social.trends import listing, verdicts
from fedi.social.trends.listing import Reason
from fedi.social.trends.subjects import Kind
from fedi.studio.remote_files import claims, gallery
from fedi.studio.remote_files.gallery import Gallery
from fedi.web import cards, profiles, sifting, visitors
from fedi.web.render import ROBOTS_NOWHERE, page
from fedi.web.sifting import Sieve
from fedi.web.views import people
from fedi.web.views import posts as views
from fedi.web.views.links import excerpt, safe_link
from fedi.web.views.posts import TITLE_LENGTH, Shown, Tile

MAX_POSTS = 40  # looked at for the wall and the posts below it: a few screens
MAX_WORDS = 5  # posts without pictures
MAX_TAGS, MAX_LINKS, MAX_PROMPTS, MAX_CHAINS, MAX_MAKERS = 12, 5, 6, 6, 12
PROMPT_LENGTH = 240  # characters that are shown of a prompt

MAX_DEPTH = 3  # generations below a post on one page; each leads to its own page
MAX_TREE = 60  # posts below

TRENDS = "/trends"  # the collection for other servers


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that trends: its words, where it leads, and why it is there."""

    words: str
    href: str
    why: str
    tile: Tile | None = None
    remix: str = ""
    host: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A post in a tree of remixes: how far below the post of the page, and the page of its own
    tree; None where there is none for who looks."""

    post: Shown
    tile: Tile | None
    depth: int
    tree: str | None


async def show(request: Request) -> Response:
    """`GET /explore`: posts, hashtags, prompts, chains of remixes, links, and new makers."""
    easel = easel_of(request)
    instance = easel.settings.instance
    if accepts_activity(request.headers.get("accept")):
        return profiles.to_activity(f"{instance.url}{TRENDS}")
    viewer = await visitors.viewer(request)
    which = verdicts.which(easel.settings.trends)
    async with easel.database.read() as session:
        found = await listing.statuses(session, viewer, which, limit=MAX_POSTS)
        tags = await listing.tags(session, viewer, which, limit=MAX_TAGS)
        links = await listing.links(session, viewer, which, limit=MAX_LINKS)
        prompts = await listing.prompts(session, viewer, which, limit=MAX_PROMPTS)
        chains = await listing.chains(session, viewer, which, limit=MAX_CHAINS)
        makers = await suggestions.directory(
            session, viewer, limit=MAX_MAKERS, offset=0, local=True, newest=True
        )
        why: dict[Kind, Mapping[int, Reason]] = {
            "status": await listing.reasons(session, "status", [one.id for one in found]),
            "tag": await listing.reasons(session, "tag", [tag.id for tag in tags]),
            "link": await listing.reasons(session, "link", [link.number for link in links]),
            "prompt": await listing.reasons(session, "prompt", [one.number for one in prompts]),
            "chain": await listing.reasons(session, "chain", [one.id for one in chains]),
        }
        sieve = await sifting.sieve(session, viewer, "public")
        whole = await posts.assemble(session, found, viewer)
        whole = [post for post in whole if not sieve.hides(post)]
        roots = await posts.assemble(session, chains, viewer)
        examples = await posts.assemble(session, [one.example for one in prompts], viewer)
        linked = await previews.ready(session, [link.number for link in links])
        pictures = [claim for one in linked.values() for claim in claims.of_preview(one)]
        shown_files = [*claims.of_posts([*whole, *roots, *examples]), *pictures]
        hung = await gallery.of(easel, session, shown_files)
    pictured = [(post, tile) for post in whole if (tile := _tile(post, hung, sieve)) is not None]
    on_wall = {post.status.id for post, _ in pictured}
    written = [post for post in whole if post.status.id not in on_wall][:MAX_WORDS]
    return page(
        request,
        "explore.html",
        robots=ROBOTS_NOWHERE,
        here="explore",
        modules=("deeds",),
        sheets=("explore",) if viewer else ("feeds", "explore"),
        card=cards.explore(instance, f"{instance.url}{TRENDS}"),
        tiles=[tile for _, tile in pictured],
        reasons=[why["status"][post.status.id].words for post, _ in pictured],
        written=[
            (shown, why["status"][post.status.id].words)
            for post in written
            for shown in sieve.shown([post], hung)
        ],
        tags=[
            Spoken(f"#{tag.display_name}", f"/tags/{tag.name}", why["tag"][tag.id].words)
            for tag in tags
        ],
        links=[
            _page(link.address, linked.get(link.number), hung, why["link"][link.number].words)
            for link in links
        ],
        prompts=[
            Spoken(
                excerpt(one.words, PROMPT_LENGTH),
                views.post_href(post, viewer),
                why["prompt"][one.number].words,
                _tile(post, hung, sieve),
                f"/studio?remix={one.example.id}" if viewer is not None else "",
            )
            for one, post in zip(prompts, examples, strict=True)
            if not sieve.hides(post)
        ],
        chains=[
            Spoken(
                people.maker(post.account, hung, viewer).name,
                _tree(post, viewer) or views.post_href(post, viewer),
                why["chain"][post.status.id].words,
                _tile(post, hung, sieve),
            )
            for post in roots
            if not sieve.hides(post)
        ],
        makers=[people.maker(account, hung, viewer) for account in makers],
    )


async def tree(request: Request) -> Response:
    """`GET /@NAME/ID/remixes`: what a post was made of, and what was made of it."""
    easel = easel_of(request)
    missing = "There is no such post here, or it is not for everybody."
    viewer = await visitors.viewer(request)
    async with easel.database.read() as session:
        status = await profiles.find_post(session, request, viewer, nobody=missing)
        above = list(reversed(await remixes.parents(session, viewer, status)))
        below = await _below(session, viewer, status)
        rows = [*above, status, *(row for row, _ in below)]
        whole = await posts.assemble(session, rows, viewer)
        hung = await gallery.of(easel, session, claims.of_posts(whole))
        sieve = await sifting.sieve(session, viewer, "thread")
    depths = [*[0] * (len(above) + 1), *(depth for _, depth in below)]
    branches = [
        Branch(shown, _tile(post, hung, sieve), depth, _tree(post, viewer))
        for post, depth in zip(whole, depths, strict=True)
        for shown in sieve.shown([post], hung)
    ]
    return page(
        request,
        "tree.html",
        robots=ROBOTS_NOWHERE,
        sheets=("explore",) if viewer else ("feeds", "explore"),
        branches=branches,
        here_href=views.post_href(whole[len(above)], viewer),
        more=len(below) >= MAX_TREE,
    )


async def _below(
    session: Session, viewer: Account | None, status: Status
) -> list[tuple[Status, int]]:
    """What was made of a post, and of that: each followed by what was made of it. The nearest are
    found first, so that a post with many remixes hides none of its own."""
    children: dict[int, Sequence[Status]] = {}
    seen, level = {status.id}, [status]
    for _ in range(MAX_DEPTH):
        following: list[Status] = []
        for row in level:
            room = MAX_TREE - len(seen) + 1
            if room <= 0:
                break
            made = await remixes.remixes(session, viewer, row, limit=min(room, MAX_TREE))
            children[row.id] = [one for one in made if one.id not in seen]
            seen |= {one.id for one in children[row.id]}
            following += children[row.id]
        level = following
    return list(_walked(children, status, 1))


def _walked(
    children: Mapping[int, Sequence[Status]], status: Status, depth: int
) -> list[tuple[Status, int]]:
    found: list[tuple[Status, int]] = []
    for child in children.get(status.id, ()):
        found += [(child, depth), *_walked(children, child, depth + 1)]
    return found


def _tree(post: Post, viewer: Account | None) -> str | None:
    """The page of the tree of a post; those of other servers' posts are for who is signed in."""
    if post.account.local or viewer is not None:
        return f"{people.path_of(post.account)}/{post.status.id}/remixes"
    return None


def _tile(post: Post, hung: Gallery, sieve: Sieve) -> Tile | None:
    return next(iter(sieve.tiles([post], hung)), None)


def _page(address: str, known: LinkPreview | None, hung: Gallery, why: str) -> Spoken:
    """A page that people link to: by its title, if that is known."""
    if known is None:
        return Spoken(_shown(address), safe_link(address), why)
    framed = next((hung.find(claim) for claim in claims.of_preview(known)), None)
    return Spoken(
        excerpt(known.title, TITLE_LENGTH),
        safe_link(address),
        why,
        host=urlsplit(address).netloc,
        picture=framed.small if framed is not None and not framed.error else "",
    )


def _shown(address: str) -> str:
    parts = urlsplit(address)
    return excerpt(f"{parts.netloc}{parts.path}".rstrip("/"), 80)


routes: list[BaseRoute] = [Route("/explore", show), Route("/@{name}/{id:int}/remixes", tree)]
