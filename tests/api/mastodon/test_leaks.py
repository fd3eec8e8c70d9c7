"""Nothing leaks: every route there is, asked by each reader about posts of each visibility.

Each post has a word of its own in its text, in the text of its picture or in its options. No answer
may hold the word of a post to anybody who may not see it, whatever the route is for; where a route
is for showing posts, it must show them to those who may. A new route needs a line here.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.routing import Route

from fedi.api import mastodon
from fedi.clock import FakeClock
from fedi.database.tables import Quote
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import nobody, post
from tests.api.mastodon.test_timelines import upload

READERS = ("nobody", "blocked", "stranger", "follower", "named", "author")
# Who may see it; what is scheduled is a post to its author alone.
SEEN = {
    "public": {"author", "named", "follower", "stranger", "nobody"},
    "unlisted": {"author", "named", "follower", "stranger", "nobody"},
    "private": {"author", "named", "follower"},
    "direct": {"author", "named"},
    "scheduled": {"author"},
}
VISIBILITIES = tuple(SEEN)[:4]
WORDS = {visibility: f"zebra{visibility}" for visibility in SEEN}

ROUTES = sorted(
    f"{method} {route.path}"
    for route in mastodon.routes
    if isinstance(route, Route)
    for method in route.methods or ()
    if method != "HEAD"
)

# Not asked, and why.
TIES = re.compile(
    r"POST /api/v1/(accounts/\{id\}|follow_requests/\{id\}|tags/\{name\})/\w+"
    r"|(POST|DELETE) /api/v1/domain_blocks"
)  # would change who may see what; they answer what two are to each other
JOINING = re.compile(r"POST /api/v1/accounts|\w+ /api/v1/emails/\w+")  # of who has no posts yet
STAFF = re.compile(r"\w+ /api/v[12]/admin/.*")  # refused to all who are none; see below
STREAMS = re.compile(r"GET /api/v1/streaming\b.*")  # without an end; test_streaming.py holds them

# What has the id of a post in its path, and is asked about each of them.
OF_POSTS = {
    "GET /api/v1/statuses/{id}", "GET /api/v1/statuses/{id}/context",
    "GET /api/v1/statuses/{id}/source", "GET /api/v1/statuses/{id}/history",
    "GET /api/v1/statuses/{id}/quotes", "GET /api/v1/statuses/{id}/favourited_by",
    "GET /api/v1/statuses/{id}/reblogged_by", "GET /api/v1/polls/{id}", "GET /api/v1/media/{id}",
    "POST /api/v1/statuses/{id}/favourite", "POST /api/v1/statuses/{id}/unfavourite",
    "POST /api/v1/statuses/{id}/reblog", "POST /api/v1/statuses/{id}/unreblog",
    "POST /api/v1/statuses/{id}/bookmark", "POST /api/v1/statuses/{id}/unbookmark",
    "POST /api/v1/statuses/{id}/pin", "POST /api/v1/statuses/{id}/unpin",
    "POST /api/v1/statuses/{id}/mute", "POST /api/v1/statuses/{id}/unmute",
    "POST /api/v1/statuses/{id}/quotes/{quoting_id}/revoke", "POST /api/v1/polls/{id}/votes",
    "PUT /api/v1/statuses/{id}", "PUT /api/v1/statuses/{id}/interaction_policy",
    "DELETE /api/v1/statuses/{id}", "PUT /api/v1/media/{id}", "DELETE /api/v1/media/{id}",
    "POST /api/v1/statuses",
}  # fmt: skip

# What is asked about all posts at once.
OF_ALL = {
    "GET /api/oembed", "GET /api/v1/accounts", "GET /api/v1/accounts/familiar_followers",
    "GET /api/v1/accounts/lookup", "GET /api/v1/accounts/relationships",
    "GET /api/v1/accounts/search", "GET /api/v1/accounts/verify_credentials",
    "GET /api/v1/accounts/{id}", "GET /api/v1/accounts/{id}/endorsements",
    "GET /api/v1/accounts/{id}/featured_tags", "GET /api/v1/accounts/{id}/followers",
    "GET /api/v1/accounts/{id}/following", "GET /api/v1/accounts/{id}/identity_proofs",
    "GET /api/v1/accounts/{id}/lists", "GET /api/v1/accounts/{id}/statuses",
    "GET /api/v1/announcements", "GET /api/v1/annual_reports",
    "GET /api/v1/annual_reports/{year}/state", "GET /api/v1/blocks",
    "GET /api/v1/bookmarks", "GET /api/v1/conversations", "GET /api/v1/custom_emojis",
    "GET /api/v1/donation_campaigns",
    "GET /api/v1/directory", "GET /api/v1/domain_blocks", "GET /api/v1/endorsements",
    "GET /api/v1/favourites", "GET /api/v1/featured_tags",
    "GET /api/v1/featured_tags/suggestions", "GET /api/v1/filters", "GET /api/v1/filters/{id}",
    "GET /api/v1/follow_requests", "GET /api/v1/followed_tags", "GET /api/v1/instance",
    "GET /api/v1/instance/activity", "GET /api/v1/instance/domain_blocks",
    "GET /api/v1/instance/extended_description", "GET /api/v1/instance/peers",
    "GET /api/v1/instance/privacy_policy", "GET /api/v1/instance/rules",
    "GET /api/v1/instance/terms_of_service", "GET /api/v1/instance/terms_of_service/{date}",
    "GET /api/v1/instance/translation_languages", "GET /api/v1/lists", "GET /api/v1/lists/{id}",
    "GET /api/v1/lists/{id}/accounts", "GET /api/v1/markers", "GET /api/v1/mutes",
    "GET /api/v1/notifications", "GET /api/v1/notifications/policy",
    "GET /api/v1/notifications/requests", "GET /api/v1/notifications/requests/merged",
    "GET /api/v1/notifications/requests/{id}", "GET /api/v1/notifications/unread_count",
    "GET /api/v1/notifications/{id}", "GET /api/v1/preferences", "GET /api/v1/profile",
    "GET /api/v1/push/subscription", "GET /api/v1/scheduled_statuses",
    "GET /api/v1/scheduled_statuses/{id}", "GET /api/v1/statuses", "GET /api/v1/suggestions",
    "GET /api/v1/tags/{name}", "GET /api/v1/timelines/home", "GET /api/v1/timelines/link",
    "GET /api/v1/timelines/list/{id}", "GET /api/v1/timelines/public",
    "GET /api/v1/timelines/tag/{name}", "GET /api/v1/trends", "GET /api/v1/trends/links",
    "GET /api/v1/trends/statuses", "GET /api/v1/trends/tags",
    "GET /api/v1_alpha/async_refreshes/{id}", "GET /api/v2/filters",
    "GET /api/v2/filters/keywords/{id}", "GET /api/v2/filters/statuses/{id}",
    "GET /api/v2/filters/{id}", "GET /api/v2/filters/{id}/keywords",
    "GET /api/v2/filters/{id}/statuses", "GET /api/v2/instance", "GET /api/v2/notifications",
    "GET /api/v2/notifications/policy", "GET /api/v2/notifications/unread_count",
    "GET /api/v2/notifications/{group_key}", "GET /api/v2/notifications/{group_key}/accounts",
    "GET /api/v2/search", "GET /api/v2/suggestions",
    "DELETE /api/v1/announcements/{id}/reactions/{name}", "DELETE /api/v1/conversations/{id}",
    "DELETE /api/v1/featured_tags/{id}", "DELETE /api/v1/filters/{id}",
    "DELETE /api/v1/lists/{id}", "DELETE /api/v1/lists/{id}/accounts",
    "DELETE /api/v1/profile/avatar", "DELETE /api/v1/profile/header",
    "DELETE /api/v1/push/subscription", "DELETE /api/v1/scheduled_statuses/{id}",
    "DELETE /api/v1/suggestions/{id}", "DELETE /api/v2/filters/keywords/{id}",
    "DELETE /api/v2/filters/statuses/{id}", "DELETE /api/v2/filters/{id}",
    "PATCH /api/v1/accounts/update_credentials", "PATCH /api/v1/notifications/policy",
    "PATCH /api/v1/profile", "PATCH /api/v2/notifications/policy",
    "POST /api/v1/announcements/{id}/dismiss", "POST /api/v1/annual_reports/{year}/generate",
    "POST /api/v1/conversations/{id}/read",
    "POST /api/v1/conversations/{id}/unread", "POST /api/v1/featured_tags",
    "POST /api/v1/filters", "POST /api/v1/lists", "POST /api/v1/lists/{id}/accounts",
    "POST /api/v1/markers", "POST /api/v1/media", "POST /api/v1/notifications/clear",
    "POST /api/v1/notifications/dismiss", "POST /api/v1/notifications/requests/accept",
    "POST /api/v1/notifications/requests/dismiss",
    "POST /api/v1/notifications/requests/{id}/accept",
    "POST /api/v1/notifications/requests/{id}/dismiss",
    "POST /api/v1/notifications/{id}/dismiss", "POST /api/v1/push/subscription",
    "POST /api/v1/reports", "POST /api/v2/filters",
    "POST /api/v2/filters/{id}/keywords", "POST /api/v2/filters/{id}/statuses",
    "POST /api/v2/media", "POST /api/v2/notifications/{group_key}/dismiss",
    "PUT /api/v1/announcements/{id}/reactions/{name}", "PUT /api/v1/filters/{id}",
    "PUT /api/v1/lists/{id}", "PUT /api/v1/push/subscription",
    "PUT /api/v1/scheduled_statuses/{id}", "PUT /api/v2/filters/keywords/{id}",
    "PUT /api/v2/filters/{id}",
}  # fmt: skip

Shown = Callable[[str, str], bool]


def to_all(reader: str, visibility: str) -> bool:
    """To all who may see it."""
    return visibility in VISIBILITIES


def to_its_author(reader: str, visibility: str) -> bool:
    return reader == "author" and visibility in VISIBILITIES


def as_public(reader: str, visibility: str) -> bool:
    return visibility == "public"


def to_followers(reader: str, visibility: str) -> bool:
    return reader == "author" or (reader == "follower" and visibility != "direct")


# Where posts are shown, and to whom of those who may see them.
SHOWS: dict[str, Shown] = {
    "GET /api/v1/statuses": to_all,
    "GET /api/v1/statuses/{id}": to_all,
    "GET /api/v1/statuses/{id}/history": to_all,
    "GET /api/v1/statuses/{id}/source": to_its_author,
    "GET /api/v1/polls/{id}": to_all,
    "GET /api/v1/accounts/{id}/statuses": to_all,
    "GET /api/v1/timelines/home": lambda reader, visibility: (
        visibility in VISIBILITIES and to_followers(reader, visibility)
    ),
    "GET /api/v1/timelines/public": as_public,
    "GET /api/v1/timelines/tag/{name}": as_public,
    "GET /api/v1/scheduled_statuses": lambda reader, visibility: visibility == "scheduled",
    "GET /api/v1/scheduled_statuses/{id}": lambda reader, visibility: visibility == "scheduled",
    "GET /api/v1/conversations": lambda reader, visibility: visibility == "direct",
    "POST /api/v1/statuses/{id}/favourite": to_all,
    "POST /api/v1/statuses/{id}/bookmark": to_all,
}
# Once everybody has liked and kept what they could.
SHOWS_LATER: dict[str, Shown] = {
    "GET /api/v1/bookmarks": to_all,
    "GET /api/v1/favourites": to_all,
}
DEEDS = ("POST /api/v1/statuses/{id}/favourite", "POST /api/v1/statuses/{id}/bookmark")
NEEDS_ACCOUNT = ("home", "scheduled", "conversations", "POST", "bookmarks", "favourites", "source")


@dataclass
class Scene:
    """Everybody, and what the author posted: by visibility a post with a picture, and a poll."""

    apps: dict[str, App]
    root: str = ""
    posts: dict[str, str] = field(default_factory=dict)
    uris: dict[str, str] = field(default_factory=dict)
    polls: dict[str, str] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    scheduled: str = ""
    lists: dict[str, str] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)

    @property
    def author(self) -> App:
        return self.apps["author"]

    def path(self, route: str, reader: str, visibility: str) -> str:
        """Where a route is, about a post."""
        path = route.split(" ")[1]
        ids = {
            "/api/v1/accounts": str(self.author.account.id),
            "/api/v1/media": self.media.get(visibility, "7"),
            "/api/v1/polls": self.polls.get(visibility, "7"),
            "/api/v1/lists": self.lists.get(reader, "7"),
            "/api/v1/timelines/list": self.lists.get(reader, "7"),
            "/api/v2/filters": self.filters.get(reader, "7"),
            "/api/v1/scheduled_statuses": self.scheduled,
        }
        found = next((one for start, one in ids.items() if path.startswith(start + "/")), None)
        if found is None or "/timelines/tag" in path:
            found = self.posts.get(visibility, "7")
        return re.sub(r"\{\w+\}", found, path.replace("{name}", "leak"))

    def query(self) -> str:
        asked = [("id[]", one) for one in (*self.posts.values(), *self.polls.values())]
        asked += [("q", "zebra"), ("acct", "author"), ("url", self.uris["direct"])]
        asked += [("limit", "40"), ("resolve", "true"), ("with_suspended", "true")]
        return "&".join(f"{name}={value}" for name, value in asked)

    def body(self, visibility: str) -> dict[str, Any]:
        about = self.posts.get(visibility, "7")
        return {
            "status": "Mine", "in_reply_to_id": about, "status_ids": [about], "status_id": about,
            "account_id": str(self.author.account.id), "choices": [0], "title": "T",
            "context": ["home"], "name": "leak", "phrase": "p", "keyword": "k", "comment": "c",
        }  # fmt: skip


@pytest.fixture
async def scene(
    new_database: rig.NewDatabase,
    tmp_path: Path,
    clock: FakeClock,
    browser: aiohttp.ClientSession,
) -> AsyncIterator[Scene]:
    plenty = {"api_requests": 1_000_000}
    async with rig.serve_instance(tmp_path, new_database(), clock=clock, server=plenty) as instance:
        apps = {name: await App.of(instance, browser, name) for name in READERS[1:]}
        apps["nobody"] = nobody(instance, browser, apps["author"])
        made = Scene(apps)
        await _play(made, instance)
        yield made


async def _play(scene: Scene, instance: rig.Instance) -> None:
    author, follower = scene.author, scene.apps["follower"]
    await follower.post(f"/api/v1/accounts/{author.account.id}/follow", {})
    await author.post(f"/api/v1/accounts/{scene.apps['blocked'].account.id}/block", {})
    scene.root = (await post(author, "Root")).id
    for visibility in VISIBILITIES:
        word = WORDS[visibility]
        picture = await upload(author, description=word)
        scene.media[visibility] = picture.body["id"]
        shown = await post(
            author, f"@named {word} #leak", visibility=visibility, in_reply_to_id=scene.root,
            media_ids=[picture.body["id"]], spoiler_text=word,
        )  # fmt: skip
        asked = await post(
            author, f"@named {word}?", visibility=visibility,
            poll={"options": [word, "no"], "expires_in": 3600},
        )  # fmt: skip
        scene.posts[visibility], scene.uris[visibility] = shown.id, shown.uri
        assert asked.poll is not None
        scene.polls[visibility] = asked.poll.id
        # What is for all, but quotes what is not.
        quoting = await post(author, "Look at this!")
        async with instance.easel.database.write() as tx:
            quote = Quote(status_id=int(quoting.id), quoted_uri=shown.uri, state="accepted")
            quote.quoted_id = int(shown.id)
            tx.add(quote)
    at = (instance.clock.now() + timedelta(days=1)).isoformat()
    later = await author.post(
        "/api/v1/statuses", {"status": WORDS["scheduled"], "scheduled_at": at}
    )
    scene.scheduled = later.body["id"]
    for name in ("follower", "author", "stranger"):
        app = scene.apps[name]
        scene.lists[name] = (await app.post("/api/v1/lists", {"title": "L"})).body["id"]
        members = {"account_ids": [str(author.account.id)]}
        await app.post(f"/api/v1/lists/{scene.lists[name]}/accounts", members)
        made = await app.post("/api/v2/filters", {"title": "F", "context": ["home"]})
        scene.filters[name] = made.body["id"]
    await instance.run_jobs()  # what can be found is written down


async def ask(
    scene: Scene, route: str, reader: str, seen: dict[str, set[str]], shows: dict[str, Shown]
) -> None:
    """Ask a route as somebody, and look for words that are not for them."""
    method, _ = route.split(" ")
    for visibility in VISIBILITIES if route in OF_POSTS else ("direct",):
        path = scene.path(route, reader, visibility)
        if route.endswith("/context"):
            path = path.replace(scene.posts[visibility], scene.root)
        bodies = [None if method == "GET" else scene.body(visibility)]
        if route == "POST /api/v1/statuses":
            bodies.append({"status": "Mine", "quoted_status_id": scene.posts[visibility]})
        said = b""
        for body in bodies:
            answer = await scene.apps[reader].ask(method, f"{path}?{scene.query()}", body)
            assert answer.status < 500, (route, reader, answer.body)
            told = answer.body
            said += told if isinstance(told, bytes) else json.dumps(told).encode()
        for about, word in WORDS.items():
            if reader not in seen[about]:
                assert word.encode() not in said, (route, reader, about, path)
            elif (
                route in shows
                and shows[route](reader, about)
                and (route not in OF_POSTS or about == visibility)
                and not (reader == "nobody" and any(part in route for part in NEEDS_ACCOUNT))
            ):
                assert word.encode() in said, (route, reader, about, path, said)


def test_every_route_has_a_line() -> None:
    told = OF_POSTS | OF_ALL
    missing = [
        route
        for route in ROUTES
        if route not in told
        and not any(kind.fullmatch(route) for kind in (TIES, JOINING, STAFF, STREAMS))
    ]
    assert missing == []


async def test_what_is_for_moderators_answers_nobody_else(scene: Scene) -> None:
    routes = [route for route in ROUTES if STAFF.fullmatch(route)]
    assert len(routes) > 50
    for reader in READERS:
        for route in routes:
            method, path = route.split(" ")
            path = re.sub(r"\{\w+\}", str(scene.posts["public"]), path)
            answer = await scene.apps[reader].ask(method, path, None if method == "GET" else {})
            assert answer.status == (401 if reader == "nobody" else 403), (route, reader)


@pytest.mark.long
async def test_nothing_leaks(scene: Scene) -> None:
    readable = [route for route in ROUTES if route.startswith("GET") and route in OF_POSTS | OF_ALL]
    writable = [
        route for route in ROUTES if not route.startswith("GET") and route in OF_POSTS | OF_ALL
    ]
    for reader in READERS:
        for route in readable:
            await ask(scene, route, reader, SEEN, SHOWS)
    for reader in READERS:
        for route in DEEDS:
            await ask(scene, route, reader, SEEN, SHOWS)
    for reader in READERS:
        for route in readable:
            await ask(scene, route, reader, SEEN, SHOWS | SHOWS_LATER)
    # What was seen, liked and kept once is not seen any more when the ties are gone.
    author = scene.author
    for name, verb in (("follower", "remove_from_followers"), ("named", "block")):
        await author.post(f"/api/v1/accounts/{scene.apps[name].account.id}/{verb}", {})
    left = {visibility: readers - {"named"} for visibility, readers in SEEN.items()}
    left["private"] = {"author"}
    for reader in ("follower", "named"):
        for route in readable:
            await ask(scene, route, reader, left, {})
    # Last, because they leave nothing as it was.
    for reader in READERS[:-1]:
        for route in writable:
            await ask(scene, route, reader, left, {})
    for visibility, id_ in scene.posts.items():
        assert (await author.get(f"/api/v1/statuses/{id_}")).status == 200, visibility
