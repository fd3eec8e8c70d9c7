"""Each client from the first address to the last button, on a server that it takes for Mastodon."""

from __future__ import annotations

import pytest

from tests.clients.programs import Failed
from tests.clients.walk import ALT, Walk


def test_the_app_is_registered(walk: Walk) -> None:
    assert walk.address.startswith(f"{walk.home.url}/oauth/authorize")


def test_its_user_signs_in_on_the_pages(walk: Walk) -> None:
    assert walk.code and walk.signed_in


def test_the_account_is_verified(walk: Walk) -> None:
    account = walk.do("verify")
    assert (account["username"], account["acct"]) == (walk.name, walk.name)


def test_a_picture_is_uploaded_with_alt_text(walk: Walk) -> None:
    assert walk.picture["description"] == ALT
    assert walk.picture["type"] == "image" and walk.picture["url"].startswith("http")


def test_a_post_with_the_picture(walk: Walk) -> None:
    [picture] = walk.posted["media_attachments"]
    assert picture["description"] == ALT
    assert "A square" in walk.posted["content"]
    assert [tag["name"] for tag in walk.posted["tags"]] == ["teal"]
    [seen] = walk.bob.ask("GET", "/api/v1/timelines/tag/teal?limit=1")
    assert seen["id"] == walk.posted["id"] or seen["account"]["username"] != walk.name


def test_a_reply(walk: Walk) -> None:
    made = walk.do("reply", text="And another", to=walk.posted["id"])
    assert made["in_reply_to_id"] == walk.posted["id"]
    around = walk.bob.ask("GET", f"/api/v1/statuses/{walk.posted['id']}/context")
    assert made["id"] in [below["id"] for below in around["descendants"]]


def test_a_post_is_edited(walk: Walk) -> None:
    if "edit" in walk.client.lacks:
        return
    made = walk.do("post", text="A circel", media=[])
    edited = walk.do("edit", id=made["id"], text="A circle")
    assert "A circle" in edited["content"] and edited["edited_at"]


def test_a_post_is_deleted(walk: Walk) -> None:
    made = walk.do("post", text="Not for long", media=[])
    walk.do("delete", id=made["id"])
    with pytest.raises(Failed):
        walk.do("favourite", id=made["id"])


def test_a_favourite_a_boost_and_a_bookmark(walk: Walk) -> None:
    made = walk.bob.post("Like me")
    assert walk.do("favourite", id=made["id"])["favourited"] is True
    boosted = walk.do("boost", id=made["id"])
    assert (boosted.get("reblog") or boosted)["reblogged"] is True
    assert [kept["id"] for kept in walk.do("bookmark", id=made["id"])] == [made["id"]]
    seen = walk.bob.ask("GET", f"/api/v1/statuses/{made['id']}")
    assert (seen["favourites_count"], seen["reblogs_count"]) == (1, 1)


def test_somebody_elsewhere_is_found_followed_and_read(walk: Walk) -> None:
    assert walk.heard_of["acct"] == walk.carol.handle
    assert walk.followed["following"] or walk.followed["requested"]
    assert "Hello from elsewhere" in walk.received["content"]
    assert walk.received["account"]["acct"] == walk.carol.handle


def test_a_list(walk: Walk) -> None:
    assert [one["title"] for one in walk.listed["lists"]] == ["Squares"]
    assert [one["acct"] for one in walk.listed["members"]] == [walk.carol.handle]
    assert walk.received["id"] in [post["id"] for post in walk.listed["timeline"]]


def test_a_filter(walk: Walk) -> None:
    if "filter" in walk.client.lacks:
        return
    assert "turnip" in walk.do("filter", phrase="turnip")


def test_a_poll_is_asked_and_answered(walk: Walk) -> None:
    asked = walk.do("poll", text="Which?", options=["this", "that"])["poll"]
    assert [option["title"] for option in asked["options"]] == ["this", "that"]
    poll = {"options": ["one", "two"], "expires_in": 3600}
    theirs = walk.bob.post("And of these?", poll=poll)["poll"]
    voted = walk.do("vote", poll=theirs["id"], choice=1)
    assert voted["voted"] is True
    counted = walk.bob.ask("GET", f"/api/v1/polls/{theirs['id']}")
    assert [option["votes_count"] for option in counted["options"]] == [0, 1]
