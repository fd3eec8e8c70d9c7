"""Who finds which posts, people and hashtags, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from fedi.database.insertion import table_of
from fedi.database.tables import Account, Status
from fedi.jobs import Runner
from fedi.runtime import Easel
from fedi.social import accounts, blocks, favourites, featured_tags, reblogs, search, statuses
from fedi.social.statuses import Draft
from tests.social import people


@pytest.fixture
async def alice(easel: Easel) -> Account:
    """Somebody here who wants to be found."""
    return await people.local(easel, "alice", indexable=True)


@pytest.fixture
async def bob(easel: Easel) -> Account:
    """Somebody here who does not."""
    return await people.local(easel, "bob")


async def indexed(easel: Easel) -> None:
    await Runner(easel).run_once()


async def posts(easel: Easel, viewer: Account | None, query: str, **page: int) -> list[int]:
    await indexed(easel)
    async with easel.database.read() as session:
        found = await search.statuses.find(
            session, viewer, search.understand(query), **{"limit": 20, **page}
        )
    return [status.id for status in found]


async def found_people(easel: Easel, viewer: Account | None, query: str, **more: bool) -> list[str]:
    await indexed(easel)
    async with easel.database.read() as session:
        found = await search.people.find(session, viewer, query, limit=20, **more)
    return [account.acct for account in found]


async def test_posts_are_found_by_their_words(easel: Easel, alice: Account) -> None:
    first = await people.publish(easel, alice, "A red lighthouse by the sea")
    second = await people.publish(easel, alice, "Lighthouses at night", spoiler_text="stars")
    assert await posts(easel, None, "lighthouse") == [second.id, first.id]
    assert await posts(easel, None, "LIGHTHOUSE sea") == [first.id]
    assert await posts(easel, None, '"by the sea"') == [first.id]
    assert await posts(easel, None, '"the by sea"') == []
    assert await posts(easel, None, "lighthouse -night") == [first.id]
    assert await posts(easel, None, "ligh*") == [second.id, first.id]
    assert await posts(easel, None, "stars") == [second.id]
    assert await posts(easel, None, "nofollow") == []  # markup is no words
    assert await posts(easel, None, "lighthouse", limit=1) == [second.id]
    assert await posts(easel, None, "lighthouse", limit=1, offset=1) == [first.id]
    assert await posts(easel, None, "lighthouse", below=second.id) == [first.id]
    assert await posts(easel, None, "lighthouse", above=first.id) == [second.id]


async def test_pictures_are_found_by_alt_text_and_by_a_prompt_that_is_shared(
    easel: Easel, alice: Account
) -> None:
    medium = await people.picture(
        easel, alice, description="Ein Boot im Nebel", ai_prompt="a boat in fog, 東京"
    )
    status = await people.publish(easel, alice, "look", media_ids=(medium,))
    for query in ("boot", "fog", "東京", "look has:image", "look has:media"):
        assert await posts(easel, None, query) == [status.id], query
    assert await posts(easel, None, "京東") == []
    assert await posts(easel, None, "look has:video") == []
    assert await posts(easel, None, "look -has:image") == []


async def test_the_index_follows_edits_and_ends(easel: Easel, alice: Account) -> None:
    status = await people.publish(easel, alice, "a red boat")
    assert await posts(easel, None, "red") == [status.id]
    async with easel.database.write() as tx:
        again = await statuses.load(tx, alice, status.id)
        assert again is not None
        await statuses.edit(tx, alice, again, Draft(text="a blue boat"))
    assert await posts(easel, None, "red") == []
    assert await posts(easel, None, "blue") == [status.id]
    async with easel.database.write() as tx:
        again = await statuses.load(tx, alice, status.id)
        assert again is not None
        await statuses.delete(tx, again)
    assert await posts(easel, None, "blue") == []
    async with easel.database.read() as session:  # nor are its words kept
        kept = await session.execute(text("SELECT count(*) FROM status_search"))
        assert kept.scalar_one() == 0


async def test_who_does_not_want_to_be_found_is_found_by_those_who_have_to_do_with_it(
    easel: Easel, alice: Account, bob: Account
) -> None:
    status = await people.publish(easel, bob, "a secret boat")
    carol = await people.local(easel, "carol")
    assert await posts(easel, None, "boat") == await posts(easel, alice, "boat") == []
    assert await posts(easel, bob, "boat") == [status.id]
    async with easel.database.write() as tx:
        await favourites.add(tx, alice, status)
        await reblogs.add(tx, carol, status)
    assert await posts(easel, alice, "boat") == [status.id]
    assert await posts(easel, carol, "boat") == [status.id]
    assert await posts(easel, None, "boat") == []
    assert await posts(easel, alice, "boat in:library") == [status.id]
    named = await people.publish(easel, bob, "@carol a boat for you", visibility="direct")
    assert await posts(easel, carol, '"boat for you"') == [named.id]
    assert await posts(easel, alice, '"boat for you"') == []


@pytest.mark.parametrize("visibility", ["unlisted", "private", "direct"])
async def test_what_is_not_public_is_found_by_its_author_alone(
    easel: Easel, alice: Account, bob: Account, visibility: str
) -> None:
    await people.follow(easel, bob, alice)
    status = await people.publish(easel, alice, "a boat", visibility=visibility)
    assert await posts(easel, alice, "boat") == [status.id]
    assert await posts(easel, bob, "boat") == await posts(easel, None, "boat") == []


async def test_posts_from_elsewhere(easel: Easel, alice: Account) -> None:
    open_one = await people.remote(easel, "open", indexable=True)
    shut_one = await people.remote(easel, "shut")
    found = await people.receive(easel, open_one, content="<p>a <b>boat</b></p>")
    hidden = await people.receive(easel, shut_one, content="<p>a boat</p>")
    assert found is not None and hidden is not None
    assert await posts(easel, alice, "boat") == [found.id]
    # Who wants to be found from now on, is; who does not any more, is not.
    await people.remote(easel, "shut", indexable=True)
    await people.remote(easel, "open", indexable=False)
    assert await posts(easel, alice, "boat") == [hidden.id]


async def test_who_is_blocked_is_not_found_by_either(
    easel: Easel, alice: Account, bob: Account
) -> None:
    status = await people.publish(easel, alice, "a boat")
    assert await posts(easel, bob, "boat") == [status.id]
    assert await found_people(easel, bob, "alice") == ["alice"]
    async with easel.database.write() as tx:
        await blocks.add(tx, bob, alice)
    assert await posts(easel, bob, "boat") == []
    assert await found_people(easel, bob, "alice") == []
    assert await found_people(easel, alice, "bob") == []


async def test_filters(easel: Easel, alice: Account, bob: Account) -> None:
    asked = await people.publish(easel, alice, "boats?", language="en")
    answer = await people.publish(
        easel, alice, "boats!", in_reply_to_id=asked.id, sensitive=True, language="de"
    )
    mine = await people.publish(easel, bob, "boats.")
    both = [answer.id, asked.id]
    today = easel.clock.now().date().isoformat()
    for query, expected in {
        "boats": [mine.id, *both],
        "boats from:alice": both,
        "boats from:@alice": both,
        "boats -from:alice": [mine.id],
        "boats from:me": [mine.id],
        "boats from:nobody": [],
        "boats is:reply": [answer.id],
        "from:alice -is:reply": [asked.id],
        "from:alice is:sensitive": [answer.id],
        "from:alice language:de": [answer.id],
        f"from:alice during:{today}": both,
        f"from:alice before:{today}": [],
        f"from:alice after:{today}": [],
        "from:alice after:2001-01-01": both,
        "boats in:library": [mine.id],
        "boats in:all": [mine.id, *both],
        "boats has:unicorn": [],
        "boats during:9999-12-31": [],
    }.items():
        assert await posts(easel, bob, query) == expected, query


async def test_without_words_nobody_searches_and_others_among_the_newest(
    easel: Easel, alice: Account, bob: Account
) -> None:
    old = await people.publish(easel, alice, "a red boat", language="de")
    assert await posts(easel, bob, "language:de") == [old.id]
    assert await posts(easel, bob, "language:de -red") == []
    assert await posts(easel, bob, "from:alice -red") == []
    assert await posts(easel, bob, "language:de -blue -green") == [old.id]
    for query in ("language:de", "from:alice", "from:alice language:de -blue"):
        assert await posts(easel, None, query) == [], query
    assert await posts(easel, None, "boat language:de") == [old.id]
    columns = {column.name for column in table_of(Status).c} - {"id", "uri", "language"}
    same = ", ".join(sorted(columns))
    async with easel.database.write() as tx:
        await tx.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                f" INSERT INTO status (id, uri, language, {same})"
                f" SELECT id + i, CAST(i AS text), 'en', {same} FROM status, n WHERE id = :id"
            ),
            {"id": old.id},
        )
        await tx.execute(text("DELETE FROM search_change"))  # found by their filters alone
    assert await posts(easel, bob, "language:de") == []
    assert await posts(easel, bob, "language:en", limit=1) == [old.id + 10_000]
    assert await posts(easel, bob, "language:de", below=old.id + 1) == [old.id]
    assert await posts(easel, bob, "language:de from:alice") == [old.id]
    assert await posts(easel, bob, "boat language:de") == [old.id]
    async with easel.database.read() as session:
        asked = search.understand("language:de")
        found = await search.statuses.find(session, bob, asked, author=alice, limit=5)
    assert [status.id for status in found] == [old.id]


async def test_people_are_found_by_handle_and_name(easel: Easel, alice: Account) -> None:
    await people.remote(
        easel, "ali", "far.example", display_name="Somebody Else", discoverable=True
    )
    famous = await people.remote(
        easel, "ally", "far.example", display_name="Élise", discoverable=True
    )
    hidden = await people.local(easel, "alicia", discoverable=False)
    async with easel.database.write() as tx:
        tx.add(famous)
        famous.followers_count = 100
    assert await found_people(easel, None, "ali") == ["ali@far.example", "alice"]
    assert await found_people(easel, None, "alice") == ["alice"]
    assert await found_people(easel, None, "@alice") == ["alice"]
    assert await found_people(easel, None, "elise") == ["ally@far.example"]
    assert (await found_people(easel, None, "al"))[0] == "ally@far.example"  # whom most follow
    assert await found_people(easel, None, "somebody el") == ["ali@far.example"]
    assert await found_people(easel, None, "@ali@far.example") == ["ali@far.example"]
    assert await found_people(easel, None, "alicia") == ["alicia"]  # by the whole handle
    assert "alicia" not in await found_people(easel, None, "alic")
    await people.follow(easel, alice, hidden)
    assert (await found_people(easel, alice, "ali"))[0:2] == ["ali@far.example", "alicia"]
    assert await found_people(easel, alice, "ali", following=True) == ["alicia"]
    assert await found_people(easel, None, "ali", following=True) == []
    async with easel.database.write() as tx:
        found = await accounts.find_local(tx, "alicia")
        assert found is not None
        await accounts.delete_account(tx, found)
    assert await found_people(easel, alice, "alicia") == []


async def test_hashtags_are_found_by_their_beginning(easel: Easel, alice: Account) -> None:
    await people.publish(easel, alice, "#sunset #Sun")
    await people.publish(easel, alice, "#sunset #moon #Sundown")
    async with easel.database.read() as session:
        found = await search.tags.find(session, "#SUN", limit=5)
        assert [tag.name for tag in found] == ["sun", "sunset", "sundown"]
        assert [t.name for t in await search.tags.find(session, "sun", limit=1, offset=1)] == [
            "sunset"
        ]
        assert await search.tags.find(session, " ", limit=5) == []
        assert await search.tags.find(session, "sun%", limit=5) == []


async def test_hashtags_of_what_is_not_for_everybody_are_not_found(
    easel: Easel, alice: Account, bob: Account
) -> None:
    async def found() -> list[str]:
        async with easel.database.read() as session:
            return [tag.name for tag in await search.tags.find(session, "sun", limit=20)]

    for visibility in ("private", "direct", "unlisted"):
        await people.publish(easel, alice, f"#sun{visibility}", visibility=visibility)
        await people.publish(easel, alice, "#sunset #sun", visibility=visibility)
    assert await found() == []
    lost = await people.publish(easel, alice, "#sunset")
    await people.publish(easel, bob, "#sunday")
    await people.publish(easel, alice, "#sunday")
    assert await found() == ["sunday", "sunset"]  # what is not public is not counted, either
    async with easel.database.write() as tx:
        await statuses.delete(tx, await tx.get_one(Status, lost.id))
        await featured_tags.add(tx, alice, "sunprivate")
    assert await found() == ["sunday", "sunprivate"]
    async with easel.database.write() as tx:
        await featured_tags.remove(tx, alice, "sunprivate")
        for name in ("alice", "bob"):
            account = await accounts.find_local(tx, name)
            assert account is not None
            account.silenced_at = tx.now
            tx.add(account)
    assert await found() == []


async def test_what_was_there_before_the_search_is_found(easel: Easel, alice: Account) -> None:
    """Whatever put a row there: triggers see it, also where many rows change at once."""
    status = await people.publish(easel, alice, "a boat")
    async with easel.database.write() as tx:
        await tx.execute(
            text("UPDATE status SET content = '<p>ship</p>' WHERE id = :id"), {"id": status.id}
        )
    assert await posts(easel, None, "boat") == []
    assert await posts(easel, None, "ship") == [status.id]
