"""Nothing leaks: every page that shows posts, asked by each reader about posts of each visibility.

Each post has a word of its own. No page may hold the word of a post to anybody who may not see it,
and the page of a post shows it to those who may.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from fedi.database.tables import Account, Status
from fedi.social import blocks, favourites, follows, statuses
from fedi.social.errors import NotFound
from fedi.social.for_you import choices
from fedi.social.statuses import Draft
from tests.api.oauth.person import at, join
from tests.rig import Instance
from tests.social.trends.acting import settle
from tests.web import hanging

READERS = ("nobody", "blocked", "stranger", "follower", "named", "author")
# Who may see it.
SEEN = {
    "public": {"author", "named", "follower", "stranger", "nobody"},
    "unlisted": {"author", "named", "follower", "stranger", "nobody"},
    "private": {"author", "named", "follower"},
    "direct": {"author", "named"},
}


@pytest.mark.long
async def test_no_page_shows_a_post_to_who_may_not_see_it(instance: Instance) -> None:
    people: dict[str, Account] = {
        name: await join(instance, name) for name in READERS if name != "nobody"
    }
    author = people["author"]
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, author.id)
        row.indexable = row.discoverable = True
        tx.add(row)
        await follows.request(tx, people["follower"], author)
        await blocks.add(tx, author, people["blocked"])
    posts = {}
    for visibility in SEEN:
        picture = await hanging.paint(instance, author, description=f"zebra{visibility}")
        posts[visibility] = await hanging.publish(
            instance,
            author,
            text=f"@named zebra{visibility} #zebra",
            visibility=visibility,
            media_ids=[picture],
        )
    root = posts["public"]
    for visibility in SEEN:  # in the thread of what everybody sees
        posts[f"answer {visibility}"] = await hanging.publish(
            instance,
            author,
            text=f"@named zebra{visibility} as an answer",
            visibility=visibility,
            in_reply_to_id=root.id,
        )
    async with instance.easel.database.write() as tx:
        row = await tx.get_one(Account, author.id)
        for post in posts.values():  # what it was before leaks no more than what it is
            changed = Draft(text=f"{post.source} again")
            await statuses.edit(tx, row, await tx.get_one(Status, post.id), changed)
        for name in ("follower", "named"):  # so that as much as may trends
            for post in posts.values():
                with suppress(NotFound):
                    await favourites.add(tx, people[name], post)
    await instance.run_jobs()
    await settle(instance.easel)
    async with instance.easel.database.write() as tx:
        for reader in people.values():
            await choices.switch_on(tx, reader, choices.USUAL)
    pages = [
        "/", "/home", "/home?view=wall", "/local", "/local?view=posts", "/federated?view=posts",
        "/tags/zebra", "/tags/zebra?view=wall", "/@author", "/@author/posts", "/@author/replies",
        "/@author/remixes", "/notifications", "/search?q=zebra", "/messages", "/scheduled",
        "/bookmarks", "/favourites", "/explore", "/explore.atom", "/for-you", "/for-you?view=posts",
    ]  # fmt: skip
    for name, post in posts.items():
        pages += [f"/@author/{post.id}", f"/@author/{post.id}/remix", f"/posts/{post.id}/more",
                  f"/@author/{post.id}/edits", f"/@author/{post.id}/remixes",
                  f"/compose?reply_to={post.id}", f"/compose?edit={post.id}",
                  f"/report?post={post.id}"]  # fmt: skip
        assert name
    for reader in READERS:
        async with at(instance) as visitor:
            if reader != "nobody":
                await visitor.sign_in(reader)
            for path in pages:
                body = (await visitor.get(path)).body
                for visibility, seen in SEEN.items():
                    if reader == "blocked" and visibility in {"public", "unlisted"}:
                        continue  # signed out, they would see it all the same
                    if reader not in seen:
                        assert f"zebra{visibility}" not in body, (reader, path)
            for name, post in posts.items():
                status = (await visitor.get(f"/@author/{post.id}")).status
                may = reader in SEEN[name.rpartition(" ")[2]]
                assert reader == "blocked" or (status == 200) is may, (reader, name)
                status = (await visitor.get(f"/@author/{post.id}/edits")).status
                assert reader == "blocked" or (status == 200) is may, (reader, name)
