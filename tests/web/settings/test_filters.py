"""Filters: made, changed, filled and deleted on pages."""

from __future__ import annotations

from fedi.database.tables import Account
from fedi.social import filters
from fedi.social.filters import Whole
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.web import hanging
from tests.web.filling import filled, form_of, send
from tests.web.test_hostile import STRINGS

HERE = "/settings/filters"


async def held(instance: Instance, account: Account) -> list[Whole]:
    async with instance.easel.database.read() as session:
        return await filters.of_account(session, account)


async def test_a_filter_is_made_works_is_changed_and_deleted(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    await hanging.publish(instance, bob, text="spoilers everywhere")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        new = await visitor.get(f"{HERE}/new")
        words = "spoilers\r\n\r\n  two words \r\nspoilers"
        seen = await send(visitor, new, f"{HERE}/new", title="Films", words=words, ends="86400")
        assert (seen.status, seen.location) == (303, HERE)
        [one] = await held(instance, alice)
        assert [entry.keyword for entry in one.keywords] == ["spoilers", "two words"]
        assert all(entry.whole_word for entry in one.keywords)
        assert one.filter.action == "warn" and set(one.filter.context) == set(filters.CONTEXTS)
        assert one.filter.expires_at is not None
        listed = (await visitor.get(HERE)).page.one("ul", _class="doors")
        assert "Films" in listed.text and "two words" in listed.text
        feed = "/local?view=posts"
        assert "Your filter: Films" in (await visitor.get(feed)).page.text
        path = listed.one("a")["href"]
        seen = await visitor.get(path)
        assert filled(form_of(seen, path))["ends"] == "as it was"
        ends = one.filter.expires_at
        seen = await send(visitor, seen, path, title="Cinema", deed="hide", words="end\nspoilers")
        assert seen.location == f"{path}?kept=1"
        [one] = await held(instance, alice)
        assert (one.filter.title, one.filter.action) == ("Cinema", "hide")
        assert one.filter.expires_at == ends and len(one.keywords) == 3
        assert "spoilers everywhere" not in (await visitor.get(feed)).page.text
        seen = await send(visitor, await visitor.get(path), f"{path}/words/take")
        assert seen.location == path
        assert "spoilers everywhere" in (await visitor.get(feed)).page.text
        seen = await send(visitor, await visitor.get(path), f"{path}/delete")
        assert seen.location == HERE and await held(instance, alice) == []


async def test_what_makes_no_filter_is_said_and_what_was_typed_stays(instance: Instance) -> None:
    alice = await join(instance)
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        new = f"{HERE}/new"
        page = await visitor.get(new)
        wrong: list[dict[str, str]] = [
            {"title": " "},
            {"title": "x" * 257},
            {"words": "y" * 513},
            {"deed": "burn"},
            {"ends": "soon"},
            {"words": "\n".join(f"word {number}" for number in range(101))},
        ]
        for typed in wrong:
            told = {"title": STRINGS[0], "words": STRINGS[4], **typed}
            seen = await send(visitor, page, new, **told)
            assert seen.status == 422 and seen.page.one("p", role="alert").text, typed
            standing = filled(form_of(seen, new))
            assert (standing["title"], standing["words"]) == (told["title"], told["words"])
        nowhere = {k: v for k, v in filled(form_of(page, new)).items() if k not in filters.CONTEXTS}
        seen = await visitor.post(new, nowhere | {"title": "T"})
        assert "where the filter" in seen.page.one("p", role="alert").text
        assert await held(instance, alice) == []
        assert (await visitor.post(new, {"title": "T"})).status == 403
        # Whatever words it looks for, they are words.
        seen = await send(visitor, page, new, title=STRINGS[3], words="\n".join(STRINGS))
        assert seen.status == 303
        for path in (HERE, f"{HERE}/{(await held(instance, alice))[0].filter.id}"):
            shown = (await visitor.get(path)).page.one("main")
            assert STRINGS[3] in shown.text and not shown.all("script") and not shown.all("img")


async def test_filters_of_others_are_not_there(instance: Instance) -> None:
    alice = await join(instance)
    await join(instance, "mallory")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        new = f"{HERE}/new"
        await send(visitor, await visitor.get(new), new, title="Mine", words="secret")
    [one] = await held(instance, alice)
    path = f"{HERE}/{one.filter.id}"
    async with at(instance) as visitor:
        await visitor.sign_in("mallory")
        assert (await visitor.get(path)).status == 404
        key = (await visitor.get(new)).page.all("input", name="form_key")[0]["value"]
        fields = {"form_key": key, "id": str(one.keywords[0].id), "title": "T", "home": "1"}
        for action in (path, f"{path}/words/take", f"{path}/delete", f"{HERE}/{10**30}/delete"):
            assert (await visitor.post(action, fields)).status == 404, action
    assert len((await held(instance, alice))[0].keywords) == 1
