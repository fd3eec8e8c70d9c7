"""Answers as Ice Cubes and Tusky decode them: one null in the wrong place, and all of it is lost.

The structs hold what these apps declare without a question mark, and are written down apart from
our own entities. What is not named is passed over, as there.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import aiohttp
import msgspec
import pytest
from msgspec import Meta, Struct

from tests import rig
from tests.api.apps import Answer, App
from tests.api.mastodon.apps import nobody, post
from tests.api.mastodon.test_timelines import upload

Id = Annotated[str, Meta(pattern=r"^[0-9]+$")]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Url = Annotated[str, Meta(pattern=r"^https?://")]


class Emoji(Struct):
    shortcode: str
    url: Url
    static_url: Url


class Line(Struct):
    name: str
    value: str


class Account(Struct):
    id: Id
    username: str
    acct: str
    display_name: str
    note: str
    url: Url
    avatar: Url
    header: Url
    created_at: Moment
    followers_count: int
    following_count: int
    statuses_count: int
    fields: list[Line]
    emojis: list[Emoji]
    locked: bool
    bot: bool


class Source(Struct):
    privacy: Literal["public", "unlisted", "private", "direct"]
    sensitive: bool
    note: str
    fields: list[Line]


class Owner(Account, kw_only=True):
    source: Source


class Size(Struct):
    width: int
    height: int
    size: Annotated[str, Meta(pattern=r"^\d+x\d+$")]
    aspect: float


class Sizes(Struct):
    original: Size
    small: Size


class Picture(Struct):
    id: Id
    type: Literal["image"]
    url: Url
    preview_url: Url
    meta: Sizes
    blurhash: str
    description: str | None = None
    remote_url: Url | None = None


class Mention(Struct):
    id: Id
    username: str
    url: Url
    acct: str


class Tag(Struct):
    name: str
    url: Url


class Option(Struct):
    title: str
    votes_count: int


class Poll(Struct):
    id: Id
    expired: bool
    multiple: bool
    votes_count: int
    options: list[Option]
    emojis: list[Emoji]
    expires_at: Moment | None = None


class Status(Struct):
    id: Id
    uri: Url
    account: Account
    content: str
    created_at: Moment
    emojis: list[Emoji]
    reblogs_count: int
    favourites_count: int
    replies_count: int
    sensitive: bool
    spoiler_text: str
    visibility: Literal["public", "unlisted", "private", "direct"]
    media_attachments: list[Picture]
    mentions: list[Mention]
    tags: list[Tag]
    favourited: bool
    reblogged: bool
    bookmarked: bool
    edited_at: Moment | None = None
    poll: Poll | None = None
    reblog: Status | None = None
    in_reply_to_id: Id | None = None
    in_reply_to_account_id: Id | None = None


class Registrations(Struct):
    enabled: bool


class Contact(Struct):
    email: str


class Thumbnail(Struct):
    url: Url


class Statuses(Struct):
    max_characters: int
    max_media_attachments: int


class Polls(Struct):
    max_options: int
    max_characters_per_option: int
    min_expiration: int
    max_expiration: int


class Configuration(Struct):
    statuses: Statuses
    polls: Polls


class Instance(Struct):
    title: str
    domain: str
    version: str
    registrations: Registrations
    thumbnail: Thumbnail
    contact: Contact
    configuration: Configuration


class Relationship(Struct):
    id: Id
    following: bool
    showing_reblogs: bool
    notifying: bool
    followed_by: bool
    blocking: bool
    blocked_by: bool
    muting: bool
    muting_notifications: bool
    requested: bool
    domain_blocking: bool
    endorsed: bool
    note: str


class Around(Struct):
    ancestors: list[Status]
    descendants: list[Status]


class Found(Struct):
    accounts: list[Account]
    statuses: list[Status]
    hashtags: list[Tag]


def decoded(answer: Answer, kind: Any) -> Any:
    assert answer.status == 200, answer.body
    return msgspec.json.decode(json.dumps(answer.body).encode(), type=kind)


@pytest.fixture
async def told(alice: App, bob: App, instance: rig.Instance) -> str:
    """Posts of every kind; the id of one that is answered."""
    await alice.post(f"/api/v1/accounts/{bob.account.id}/follow", {})
    picture = (await upload(bob, description="A square")).body["id"]
    made = await post(bob, "@alice look #art", media_ids=[picture], spoiler_text="a square")
    await post(alice, "@bob nice", in_reply_to_id=made.id)
    await post(bob, "Which?", poll={"options": ["this", "that"], "expires_in": 3600})
    await bob.ask("PUT", f"/api/v1/statuses/{made.id}", {"status": "Look", "media_ids": [picture]})
    await alice.post(f"/api/v1/statuses/{made.id}/reblog", {})
    await alice.post(f"/api/v1/statuses/{made.id}/bookmark", {})
    await alice.post(f"/api/v1/statuses/{made.id}/favourite", {})
    await instance.run_jobs()
    return made.id


async def test_timelines_and_posts(alice: App, bob: App, told: str) -> None:
    for path in (
        "timelines/home",
        "timelines/public",
        "timelines/tag/art",
        f"accounts/{bob.account.id}/statuses",
        "bookmarks",
        "favourites",
        "trends/statuses",
        f"statuses?id[]={told}",
    ):
        decoded(await alice.get(f"/api/v1/{path}"), list[Status])
    home = decoded(await alice.get("/api/v1/timelines/home"), list[Status])
    assert {bool(one.poll) for one in home} == {bool(one.reblog) for one in home} == {True, False}
    assert any(one.media_attachments for one in home) and any(one.mentions for one in home)
    assert [int(one.id) for one in home] == sorted((int(one.id) for one in home), reverse=True)
    around = decoded(await alice.get(f"/api/v1/statuses/{told}/context"), Around)
    assert len(around.descendants) == 1
    decoded(await alice.get(f"/api/v1/statuses/{told}"), Status)
    found = decoded(await alice.get("/api/v2/search?q=square"), Found)
    assert isinstance(found, Found)


async def test_people_and_what_they_are_to_each_other(alice: App, bob: App, told: str) -> None:
    decoded(await alice.get("/api/v1/accounts/verify_credentials"), Owner)
    decoded(await alice.get(f"/api/v1/accounts/{bob.account.id}"), Account)
    decoded(await alice.get("/api/v1/accounts/lookup?acct=bob"), Account)
    for path in (
        f"accounts/{bob.account.id}/followers",
        f"accounts/{alice.account.id}/following",
        f"statuses/{told}/favourited_by",
        f"statuses/{told}/reblogged_by",
        "accounts/search?q=bob",
    ):
        assert decoded(await alice.get(f"/api/v1/{path}"), list[Account]), path
    path = f"/api/v1/accounts/relationships?id[]={bob.account.id}"
    [tie] = decoded(await alice.get(path), list[Relationship])
    assert tie.following


async def test_the_instance_to_somebody_who_is_not_signed_in_yet(
    alice: App, instance: rig.Instance, browser: aiohttp.ClientSession
) -> None:
    found = decoded(await nobody(instance, browser, alice).get("/api/v2/instance"), Instance)
    assert re.match(r"\d+\.\d+\.\d+ ", found.version)
    assert not re.search("pixelfed|pleroma|akkoma|gotosocial", found.version.lower())


async def test_a_picture_that_is_uploaded(alice: App) -> None:
    made = await upload(alice, description="A square", focus="0.5,-0.5")
    assert decoded(made, Picture).description == "A square"
    assert made.body["meta"]["focus"] == {"x": 0.5, "y": -0.5}
