"""What a post was made of and what was made of it, on its page."""

from __future__ import annotations

import aiohttp

from fedi.database.tables import Status
from fedi.social import blocks, statuses
from fedi.social.statuses import Draft
from tests.rig import Instance
from tests.web import hanging
from tests.web.reading import get


async def test_a_remix_and_its_parent_lead_to_each_other(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance, display_name="Alice <3")
    bob = await hanging.join(instance, "bob")
    picture = await hanging.paint(instance, alice, share_recipe=True, ai_prompt="a lighthouse")
    parent = await hanging.publish(instance, alice, media_ids=[picture], text="Morning")
    plain = (await get(browser, hanging.address(instance, parent))).page
    assert not plain.all("section", _class="remixes")

    made = [
        await hanging.publish(
            instance,
            bob,
            media_ids=[await hanging.paint(instance, bob)],
            based_on_uri=parent.uri,
            visibility=visibility,
        )
        for visibility in ("public", "private")
    ]
    page = (await get(browser, hanging.address(instance, parent))).page
    wall = page.one("section", _class="remixes")
    links = [link["href"] for link in wall.all("a", _class="tile")]
    assert links == [f"/@bob/{made[0].id}"]  # the other is not for everybody
    page = (await get(browser, hanging.address(instance, made[0]))).page
    link = next(a for a in page.all("a") if a.text.startswith("a picture by"))
    assert link["href"] == f"/@alice/{parent.id}" and link.text == "a picture by Alice <3"
    # Bob does not share how his was made.
    assert not any(a.text == "Remix" for a in page.all("a"))


async def test_nobody_hangs_a_picture_beside_a_post_that_is_not_to_be_remixed(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    bob = await hanging.join(instance, "bob")
    unshared = await hanging.publish(
        instance, alice, media_ids=[await hanging.paint(instance, alice)]
    )
    shared = await hanging.publish(
        instance,
        alice,
        media_ids=[await hanging.paint(instance, alice, share_recipe=True, ai_prompt="a cat")],
    )

    async def remix(of: Status) -> Status:
        picture = await hanging.paint(instance, bob)
        return await hanging.publish(instance, bob, media_ids=[picture], based_on_uri=of.uri)

    async def wall(of: Status) -> int:
        page = (await get(browser, hanging.address(instance, of))).page
        return len(page.all("section", _class="remixes"))

    await remix(unshared)
    await remix(shared)
    assert (await wall(unshared), await wall(shared)) == (0, 1)
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, alice, bob)
    assert await wall(shared) == 0


async def test_a_remix_says_nothing_of_a_post_that_is_not_for_all(instance: Instance) -> None:
    alice = await hanging.join(instance)
    picture = await hanging.paint(instance, alice, share_recipe=True, ai_prompt="a cat")
    few = await hanging.publish(instance, alice, media_ids=[picture], visibility="private")
    for visibility, told in (("public", None), ("private", None), ("direct", few.uri)):
        remix = await hanging.publish(
            instance,
            alice,
            media_ids=[await hanging.paint(instance, alice)],
            based_on_uri=few.uri,
            visibility=visibility,
        )
        assert remix.based_on_uri == told
        assert ("Remix of" in remix.content) == (told is not None)


async def test_a_shared_recipe_can_be_taken_from_the_page(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    picture = await hanging.paint(instance, alice, share_recipe=True, ai_prompt="a lighthouse")
    status = await hanging.publish(instance, alice, media_ids=[picture])
    page = (await get(browser, hanging.address(instance, status))).page
    [button] = [a for a in page.all("a", _class="button") if a.text == "Remix"]
    answer = await get(browser, f"{instance.url}{button['href']}")
    assert answer.status == 200
    assert "a lighthouse in fog" in answer.page.text and "4242" in answer.page.text
    assert f'{{"remix_of": "{status.id}"}}' in answer.page.text
    assert "noindex" in answer.headers["X-Robots-Tag"]


async def test_there_is_no_such_page_for_what_is_not_shared_or_not_seen(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    alice = await hanging.join(instance)
    unshared = await hanging.hang(instance, alice, text="Morning")
    picture = await hanging.paint(instance, alice, share_recipe=True, ai_prompt="a lighthouse")
    private = await hanging.publish(instance, alice, media_ids=[picture], visibility="private")
    async with instance.easel.database.write() as tx:
        words = await statuses.publish(tx, alice, Draft(text="no picture"))
    for where in (
        f"/@alice/{unshared.id}/remix",
        f"/@alice/{private.id}/remix",
        f"/@alice/{words.id}/remix",
        f"/@nobody/{private.id}/remix",
        f"/@alice/{'9' * 30}/remix",
    ):
        answer = await get(browser, instance.url + where)
        assert answer.status == 404, where
        assert b"lighthouse" not in answer.body
