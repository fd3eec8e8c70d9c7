"""Notifications, search, bookmarks and favourites as pages."""

from __future__ import annotations

from fedi.database.tables import Account, DomainRule, Status
from fedi.social import bookmarks, domains, favourites, follows, notification_lists, statuses
from fedi.social.drafts import Draft
from fedi.social.notification_lists import Wanted
from tests.api.oauth.person import at, join
from tests.federation.peer import Internet
from tests.rig import Instance
from tests.social import people
from tests.web import hanging
from tests.web.reading import Element


def told(page: Element) -> list[str]:
    return [entry.text for entry in page.one("ol", _class="notices").all("li")]


async def unread(instance: Instance, account: Account) -> int:
    async with instance.easel.database.read() as session:
        return await notification_lists.unread(session, account, Wanted(), 100)


async def test_what_happened_is_told_in_sentences_and_then_is_read(instance: Instance) -> None:
    alice = await join(instance)
    others = [await join(instance, name) for name in ("bob", "carol", "dave")]
    post = await hanging.hang(instance, alice, text="my picture")
    async with instance.easel.database.write() as tx:
        for other in others:
            await favourites.add(tx, other, post)
        await follows.request(tx, others[0], alice)
    await hanging.publish(instance, others[1], text="@alice <i>well</i>", in_reply_to_id=post.id)
    assert await unread(instance, alice) == 5
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get("/notifications")).page
        mention, follow, liked = told(page)
        assert "carol mentioned you" in mention and "<i>well</i>" in mention
        assert "bob followed you" in follow
        assert "dave and 2 others liked your post" in liked and "my picture" in liked
        assert await unread(instance, alice) == 0
        assert not (await visitor.get("/home")).page.all("b", _class="count")
        assert len(told((await visitor.get("/notifications?only=mentions")).page)) == 1
        # What is gone is not told of any more.
        await hanging.delete(instance, post)
        assert len(told((await visitor.get("/notifications")).page)) == 2
        assert (await visitor.get("/notifications?max_id=x")).status == 400


async def test_ties_that_were_cut_and_edits_of_what_one_quotes_are_told(
    instance: Instance,
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    there = await people.remote(instance.easel, "dan", "there.example")
    await people.follow(instance.easel, there, alice)
    post = await hanging.publish(instance, bob, text="before")
    await hanging.publish(instance, alice, text="look", quoted_status_id=post.id)
    async with instance.easel.database.write() as tx:
        rules = [DomainRule(domain="there.example", severity="suspend")]
        await domains.put(tx, rules, limited=False)
        row = await tx.get_one(Status, post.id)
        await statuses.edit(tx, bob, row, Draft(text="after"))
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        edited, cut = told((await visitor.get("/notifications")).page)
    assert "bob changed a post that you quoted" in edited and "look" in edited
    assert "Ties of yours were cut" in cut


async def test_who_asks_to_follow_is_answered_there(instance: Instance) -> None:
    alice = await join(instance)
    bob, carol = await join(instance, "bob"), await join(instance, "carol")
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, alice.id)
        row.locked = True
        tx.add(row)
    async with instance.easel.database.write() as tx:
        for other in (bob, carol):
            await follows.request(tx, other, await tx.get_one(Account, alice.id))
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        seen = await visitor.get("/notifications")
        await visitor.submit(seen, f"/people/{bob.id}/accept")
        await visitor.submit(seen, f"/people/{carol.id}/reject")
    async with instance.easel.database.read() as session:
        assert (await follows.relationship(session, bob, alice)).following
        refused = await follows.relationship(session, carol, alice)
    assert not (refused.following or refused.requested)


async def test_notifications_are_paged(instance: Instance) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    for number in range(45):
        await hanging.publish(instance, bob, text=f"@alice number {number}")
    async with at(instance) as visitor:
        await visitor.sign_in("alice")
        page = (await visitor.get("/notifications")).page
        assert len(told(page)) == 40
        page = (await visitor.get(page.one("a", rel="next")["href"])).page
        assert len(told(page)) == 5 and not page.all("a", rel="next")
    assert alice.id


async def test_search_finds_posts_people_and_hashtags(
    instance: Instance, internet: Internet
) -> None:
    await join(instance)
    bob = await join(instance, "bob", display_name="Bob Lighthouse")
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, bob.id)
        row.discoverable = True
        row.indexable = True
        tx.add(row)
    await hanging.hang(instance, bob, text="A lighthouse #lighthouse")
    await hanging.publish(instance, bob, text="lighthouse in secret", visibility="direct")
    await instance.run_jobs()
    una = internet.person("una")
    async with at(instance) as visitor:
        assert (await visitor.get("/search?q=x")).status == 303
        await visitor.sign_in("alice")
        page = (await visitor.get("/search?q=lighthouse")).page
        assert "Bob Lighthouse" in page.one("ul", _class="people").text
        assert "/tags/lighthouse" in {link["href"] for link in page.all("a")}
        [post] = page.all("article", _class="post")
        assert "A lighthouse" in post.text
        assert "Nothing found" in (await visitor.get("/search?q=%3Cb%3Enone")).page.text
        # A handle or an address leads to what it names, asked for elsewhere if need be.
        seen = await visitor.get(f"/search?q=%40una%40{una.host}")
        assert seen.status == 303 and seen.location == f"/@una@{una.host}"
        assert (await visitor.get(seen.location)).status == 200
        for path in ("/search", "/search?q=", "/search?q=" + "x" * 3000):
            assert (await visitor.get(path)).status == 200, path[:20]


async def test_what_is_kept_and_liked_is_found_again_by_its_owner_alone(
    instance: Instance,
) -> None:
    alice, bob = await join(instance), await join(instance, "bob")
    kept = await hanging.hang(instance, bob, text="kept")
    liked = await hanging.hang(instance, bob, text="liked")
    async with instance.easel.database.write() as tx:
        await bookmarks.add(tx, alice, kept)
        await favourites.add(tx, alice, liked)
    async with at(instance) as visitor:
        for path in ("/bookmarks", "/favourites"):
            assert (await visitor.get(path)).status == 303
        await visitor.sign_in("alice")
        for path, words in (("/bookmarks", "kept"), ("/favourites", "liked")):
            [post] = (await visitor.get(path)).page.all("article", _class="post")
            assert words in post.text
    async with at(instance) as visitor:
        await visitor.sign_in("bob")
        assert not (await visitor.get("/bookmarks")).page.all("article")
