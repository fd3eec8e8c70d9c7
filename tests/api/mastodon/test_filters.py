"""Filters, new and old."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from fedi.api.mastodon import entities
from fedi.clock import FakeClock
from fedi.database.tables import Filter, FilterStatus
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.apps import form, held, ids, post
from tests.api.mastodon.test_timelines import upload

FILTERS, OLD = "/api/v2/filters", "/api/v1/filters"


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "bob")


async def make(app: App, *keywords: str, whole: bool = True, **more: Any) -> entities.Filter:
    attributes = [{"keyword": word, "whole_word": whole} for word in keywords]
    asked = {"title": "t", "context": ["home"], "keywords_attributes": attributes, **more}
    made: entities.Filter = held(await app.post(FILTERS, asked), entities.Filter)
    return made


async def seen(app: App, status: entities.Status) -> list[entities.FilterResult]:
    found = held(await app.get(f"/api/v1/statuses/{status.id}"), entities.Status)
    assert isinstance(found.filtered, list)
    return found.filtered


async def test_a_filter_is_made_in_a_form_changed_and_taken_away(
    alice: App, clock: FakeClock
) -> None:
    fields = [
        ("title", "spoilers"),
        ("context[]", "home"),
        ("context[]", "public"),
        ("filter_action", "blur"),
        ("expires_in", "3600"),
        ("keywords_attributes[][keyword]", "ending"),
        ("keywords_attributes[][whole_word]", "true"),
        ("keywords_attributes[][keyword]", "plot"),
        ("keywords_attributes[][whole_word]", "false"),
    ]
    made = held(await form(alice, "POST", FILTERS, *fields), entities.Filter)
    assert (made.title, made.context, made.filter_action) == (
        "spoilers",
        ["home", "public"],
        "blur",
    )
    assert made.expires_at == entities.moment(clock.now() + timedelta(hours=1))
    assert isinstance(made.keywords, list)
    first, second = made.keywords
    assert [(one.keyword, one.whole_word) for one in made.keywords] == [
        ("ending", True),
        ("plot", False),
    ]
    change = {
        "expires_in": "",
        "keywords_attributes": [
            {"id": first.id, "_destroy": True},
            {"id": second.id, "keyword": "plots"},
            {"keyword": "new"},
        ],
    }
    changed = held(await alice.ask("PUT", f"{FILTERS}/{made.id}", change), entities.Filter)
    assert isinstance(changed.keywords, list)
    assert [one.keyword for one in changed.keywords] == ["plots", "new"]
    assert (changed.title, changed.expires_at) == ("spoilers", None)
    assert ids(await alice.get(FILTERS)) == [made.id]
    path = f"{FILTERS}/{made.id}/keywords"
    more = held(await alice.post(path, {"keyword": "x"}), entities.FilterKeyword)
    assert len((await alice.get(path)).body) == 3
    one = f"{FILTERS}/keywords/{more.id}"
    held(await alice.ask("PUT", one, {"keyword": "y", "whole_word": False}), Any)
    assert (await alice.get(one)).body == {"id": more.id, "keyword": "y", "whole_word": False}
    assert (await alice.ask("DELETE", one)).body == {}
    assert (await alice.ask("DELETE", f"{FILTERS}/{made.id}")).body == {}
    assert (await alice.get(FILTERS)).body == []


async def test_posts_say_which_filters_are_for_them(alice: App, bob: App, clock: FakeClock) -> None:
    words = await make(alice, "cat", "C++", "the end", filter_action="hide")
    part = await make(alice, "dog", whole=False)
    for text, hits in (
        ("a Cat!", ["cat"]),
        ("concatenate", []),
        ("I like c++ a lot", ["C++"]),
        ("this is the END of the cat", ["cat", "the end"]),
    ):
        found = await seen(alice, await post(bob, text))
        assert [match.keyword_matches for match in found] == ([hits] if hits else []), text
    [match] = await seen(alice, await post(bob, "hotdogs"))
    assert (match.filter.id, match.filter.filter_action) == (part.id, "warn")
    assert match.filter.keywords is entities.UNSET
    picture = (await upload(bob, description="two cat pictures")).body["id"]
    shown = await post(bob, "look", media_ids=[picture])
    [match] = await seen(alice, shown)
    assert (match.filter.id, match.status_matches) == (words.id, None)
    assert await seen(bob, shown) == []
    assert await seen(alice, await post(alice, "my own cat")) == []
    boost = held(await bob.post(f"/api/v1/statuses/{shown.id}/reblog", {}), entities.Status)
    assert len(await seen(alice, boost)) == 1
    await alice.ask("PUT", f"{FILTERS}/{words.id}", {"expires_in": 60})
    clock.advance(timedelta(minutes=2))
    assert await seen(alice, shown) == []


async def test_a_filter_is_for_single_posts_too(alice: App, bob: App) -> None:
    made, status = await make(alice), await post(bob, "just this one")
    path = f"{FILTERS}/{made.id}/statuses"
    entry = held(await alice.post(path, {"status_id": status.id}), entities.FilterStatus)
    assert (await alice.post(path, {"status_id": status.id})).status == 422
    secret = await post(bob, "sh", visibility="private")
    assert (await alice.post(path, {"status_id": secret.id})).status == 404
    [match] = await seen(alice, status)
    assert (match.keyword_matches, match.status_matches) == (None, [status.id])
    assert ids(await alice.get(path)) == [entry.id]
    one = f"{FILTERS}/statuses/{entry.id}"
    assert (await bob.get(one)).status == 404
    gone = (await alice.ask("DELETE", one)).body
    assert gone == {"id": entry.id, "status_id": status.id}
    assert await seen(alice, status) == []


async def test_where_a_word_ends_is_told_by_letters_alone(alice: App, bob: App) -> None:
    for keyword, whole, text, found in (
        ("-cat", True, "a--cat", True),
        ("-cat", True, "a-cats", False),
        ("cat", True, "the_cat", False),
        ("cat", True, "cat", True),
        ("cat cat", True, "cat cat cats", True),
        ("at c", False, "cat cat", True),
        ("at c", True, "cat cat", False),
        ("straße", True, "STRASSE", True),
        ("istanbul", True, "İSTANBUL", True),
        ("ılık", True, "ILIK", True),
    ):
        made = await make(alice, keyword, whole=whole)
        hit = bool(await seen(alice, await post(bob, text)))
        assert hit is found, (keyword, whole, text)
        await alice.ask("DELETE", f"{FILTERS}/{made.id}")


async def test_all_filters_of_an_account_together_look_for_so_much_and_no_more(
    alice: App, bob: App
) -> None:
    for number in range(5):
        last = await make(alice, *(f"{number} {word}" for word in range(100)))
    usual = {"title": "t", "context": ["home"]}
    for answer in (
        await alice.post(FILTERS, {**usual, "keywords_attributes": [{"keyword": "more"}]}),
        await alice.post(OLD, {"phrase": "more", "context": ["home"]}),
    ):
        assert answer.status == 422
        assert "have at most 500 keywords" in answer.body["error"]
    await make(bob, "somebody else's")
    await alice.ask("DELETE", f"{FILTERS}/{last.id}")
    made = await make(alice, "more")
    posts = [await post(bob, str(number)) for number in range(21)]
    async with alice.instance.easel.database.write() as tx:
        for _ in range(50):
            row = Filter(id=tx.new_id(), account_id=alice.account.id, title="", created_at=tx.now)
            tx.add(row)
            await tx.flush()
            for status in posts[:20]:
                tx.add(FilterStatus(id=tx.new_id(), filter_id=row.id, status_id=int(status.id)))
    answer = await alice.post(f"{FILTERS}/{made.id}/statuses", {"status_id": posts[20].id})
    assert answer.status == 422
    assert "are for at most 1000 posts" in answer.body["error"]


async def test_what_is_no_filter_or_somebody_elses_is_refused(alice: App, bob: App) -> None:
    usual = {"title": "t", "context": ["home"]}
    for asked in (
        {},
        {**usual, "title": " "},
        {**usual, "context": []},
        {**usual, "context": ["everywhere"]},
        {**usual, "filter_action": "burn"},
        {**usual, "expires_in": "soon"},
        {**usual, "keywords_attributes": [{"keyword": ""}]},
        {**usual, "keywords_attributes": [{"keyword": "x" * 513}]},
    ):
        assert (await alice.post(FILTERS, asked)).status == 422, asked
    assert (await alice.get(FILTERS)).body == []
    made = await make(alice, "mine")
    assert isinstance(made.keywords, list)
    for method, path in (
        ("GET", f"{FILTERS}/{made.id}"),
        ("PUT", f"{FILTERS}/{made.id}"),
        ("DELETE", f"{FILTERS}/{made.id}"),
        ("POST", f"{FILTERS}/{made.id}/keywords"),
        ("DELETE", f"{FILTERS}/keywords/{made.keywords[0].id}"),
        ("DELETE", f"{OLD}/{made.keywords[0].id}"),
    ):
        assert (await bob.ask(method, path, None if method == "GET" else {})).status == 404


async def test_old_apps_see_one_filter_for_each_keyword(alice: App) -> None:
    await make(alice, "one", "two", filter_action="hide")
    asked = {"phrase": "three", "context": ["public"], "irreversible": "false", "expires_in": 60}
    third = held(await alice.post(OLD, asked), entities.V1Filter)
    assert (third.phrase, third.irreversible, third.context) == ("three", False, ["public"])
    found = held(await alice.get(OLD), list[entities.V1Filter])
    assert [(one.phrase, one.irreversible) for one in found] == [
        ("one", True),
        ("two", True),
        ("three", False),
    ]
    path = f"{OLD}/{third.id}"
    change = {"phrase": "four", "context": ["home"], "whole_word": "true", "irreversible": True}
    changed = held(await alice.ask("PUT", path, change), entities.V1Filter)
    assert (changed.phrase, changed.whole_word, changed.irreversible) == ("four", True, True)
    assert held(await alice.get(path), entities.V1Filter) == changed
    assert (await alice.ask("DELETE", path)).body == {}
    assert (await alice.ask("DELETE", f"{OLD}/{found[0].id}")).body == {}
    assert len((await alice.get(FILTERS)).body) == 1
