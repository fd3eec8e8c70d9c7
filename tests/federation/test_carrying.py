"""Lists that people bring from another server, and take away from here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlmodel import select

from fedi.database.tables import Account, Follow, Import, ImportLine, Mute
from fedi.federation import importing
from fedi.social import accounts, bookmarks, hiding, lists, moderation, mutes, relationships
from fedi.social.carrying import KINDS, Kind, bringing, sheets, taking
from fedi.social.errors import Invalid, NotAllowed, TooMany
from fedi.social.relationships import Relation
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


async def bring(
    instance: Instance, account: Account, kind: Kind, text: str, *, overwrite: bool = False
) -> Import:
    """Bring a list, and take in all of it."""
    entries = sheets.read(kind, text.encode())
    async with instance.easel.database.write() as tx:
        begun = await bringing.begin(tx, account, kind, entries, overwrite=overwrite)
    await instance.run_jobs()
    async with instance.easel.database.read() as session:
        return await session.get_one(Import, begun.id)


async def take(instance: Instance, account: Account, kind: Kind) -> str:
    pieces = taking.export(instance.easel.database, account, kind)
    return "".join([piece async for piece in pieces])


async def relation(instance: Instance, account: Account, other: Person) -> Relation:
    known = await seeing.known(instance, other.uri)
    async with instance.easel.database.read() as session:
        found = await relationships.of(session, account, [known.id])
    return found[known.id]


async def test_follows_are_brought_with_what_is_wanted_of_them(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    async with instance.easel.database.write() as tx:
        await accounts.create_local(tx, "dave")
    written = (
        "Account address,Show boosts,Notify on new posts,Languages\n"
        f'{bob.handle},false,true,"de, en"\n'
        f"@{carol.handle.upper()},true,false,\n"
        f"dave@{instance.domain},true,false,\n"
        f"nobody@{internet.host('peer')},true,false,\n"
        f"{bob.handle},true,false,\n"
        f"alice@{instance.domain},true,false,\n"
    )
    done = await bring(instance, alice, "follows", written)
    assert (done.total, done.done, done.failed) == (5, 5, 2)
    assert done.finished_at is not None
    async with instance.easel.database.read() as session:
        reasons = {
            sheets.subject(line.entry).partition("@")[0]: line.error
            for line in await bringing.failed(session, done)
        }
    assert set(reasons) == {"nobody", "alice"} and "themselves" in reasons["alice"]
    first = await relation(instance, alice, bob)
    assert first.requested and first.notifying and not first.showing_reblogs
    assert first.languages == ["de", "en"]
    for person in (bob, carol):
        [asked] = internet.got(person.inbox)
        assert asked["type"] == "Follow"
        await person.does(instance, person.activity("Accept", asked))
    assert await take(instance, alice, "follows") == (
        "Account address,Show boosts,Notify on new posts,Languages\n"
        f'{bob.handle},false,true,"de, en"\n'
        f"{carol.handle},true,false,\n"
        f"dave@{instance.domain},true,false,\n"
    )


async def test_follows_go_out_some_a_minute(
    instance: Instance, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    async with instance.easel.database.write() as tx:
        for number in range(5):
            await accounts.create_local(tx, f"person{number}")
    begun = await bring(
        instance, alice, "follows", "".join(f"person{n}@{instance.domain}\n" for n in range(5))
    )
    assert (begun.done, begun.finished_at) == (2, None)
    for done in (4, 5):
        await instance.run_jobs()  # nothing before its time
        instance.clock.advance(importing.PACE + timedelta(seconds=1))
        await instance.run_jobs()
        async with instance.easel.database.read() as session:
            begun = await session.get_one(Import, begun.id)
        assert begun.done == done
    assert begun.finished_at is not None
    async with instance.easel.database.read() as session:
        assert len((await session.exec(select(Follow))).all()) == 5
        assert (await session.exec(select(ImportLine))).all() == []


async def test_blocks_mutes_and_domains_as_mastodon_writes_them(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    await bring(instance, alice, "blocks", f"{bob.handle}\n")
    await bring(
        instance, alice, "mutes", f"Account address,Hide notifications\n{carol.handle},false\n"
    )
    await bring(instance, alice, "domains", "#domain\nspam.example\nLoud.example\n")
    assert (await relation(instance, alice, bob)).blocking
    muted = await relation(instance, alice, carol)
    assert muted.muting and not muted.muting_notifications
    assert await take(instance, alice, "blocks") == f"{bob.handle}\n"
    assert await take(instance, alice, "mutes") == (
        f"Account address,Hide notifications\n{carol.handle},false\n"
    )
    assert await take(instance, alice, "domains") == "spam.example\nloud.example\n"


async def test_lists_are_brought_and_who_is_on_them_is_followed(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob, carol = internet.person("bob"), internet.person("carol", "third")
    written = f"Friends,{bob.handle}\nFriends,{carol.handle}\nArt, {carol.handle}\nNobody\n"
    done = await bring(instance, alice, "lists", written)
    assert (done.done, done.failed) == (3, 0)
    assert (await relation(instance, alice, bob)).requested
    assert len(internet.got(carol.inbox)) >= 1
    assert await take(instance, alice, "lists") == (
        f"Friends,{bob.handle}\nFriends,{carol.handle}\nArt,{carol.handle}\n"
    )
    await bring(instance, alice, "lists", f"Friends,{carol.handle}\n", overwrite=True)
    assert await take(instance, alice, "lists") == f"Friends,{carol.handle}\n"
    async with instance.easel.database.read() as session:
        assert [row.title for row in await lists.of_account(session, alice)] == ["Friends"]
    await bring(instance, alice, "lists", f"List name,Account address\nNew,{bob.handle}\n")
    assert (await take(instance, alice, "lists")).endswith(f"New,{bob.handle}\n")


async def test_bookmarks_are_read_where_they_are_from(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    note, hidden = bob.note(), bob.note(to=[f"{bob.uri}/followers"], cc=[])
    for one in (note, hidden):
        internet.show(one["id"], one)
    mine = await seeing.publish(instance, alice)
    missing = f"{bob.origin}/notes/gone"
    lines = [note["id"], mine, hidden["id"], missing, "nonsense"]
    done = await bring(instance, alice, "bookmarks", "".join(f"{one}\n" for one in lines))
    assert (done.done, done.failed) == (5, 3)
    assert await take(instance, alice, "bookmarks") == f"{note['id']}\n{mine}\n"


async def test_overwriting_undoes_what_the_list_does_not_have(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    old, kept, new = (internet.person(name) for name in ("old", "kept", "new"))
    for person in (old, kept):
        await seeing.befriend(instance, alice, person)
    posts = [await seeing.publish(instance, alice) for _ in range(2)]
    async with instance.easel.database.write() as tx:
        for person in (old, kept):
            known = await accounts.by_uri(tx, person.uri)
            assert known is not None
            await mutes.add(tx, alice, known)
        for domain in ("old.example", "kept.example"):
            await hiding.add(tx, alice, domain)
        for uri in posts:
            status = await seeing.status(instance, uri)
            assert status is not None
            await bookmarks.add(tx, alice, status)
    listed = f"{kept.handle}\n{new.handle}\n"
    await bring(instance, alice, "follows", listed, overwrite=True)
    assert not (await relation(instance, alice, old)).following
    assert (await relation(instance, alice, kept)).following
    assert (await relation(instance, alice, new)).requested
    assert [one["type"] for one in internet.got(old.inbox)] == ["Undo"]
    assert internet.got(kept.inbox) == []
    await bring(instance, alice, "mutes", listed, overwrite=True)
    await bring(instance, alice, "domains", "kept.example\n", overwrite=True)
    await bring(instance, alice, "bookmarks", f"{posts[1]}\n", overwrite=True)
    assert await take(instance, alice, "domains") == "kept.example\n"
    assert await take(instance, alice, "bookmarks") == f"{posts[1]}\n"
    async with instance.easel.database.read() as session:
        muted = [
            (await session.get_one(Account, mute.target_account_id)).username
            for mute in (await session.exec(select(Mute))).all()
        ]
    assert sorted(muted) == ["kept", "new"]
    # Merged, what is there stays.
    await bring(instance, alice, "mutes", f"{old.handle}\n")
    assert (await take(instance, alice, "mutes")).count("\n") == 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"\xff\xfe", b"a" * (sheets.MAX_BYTES + 1), b'"a\n', b"Account address\n"],
)
def test_what_is_no_list_is_refused(kind: Kind, content: bytes) -> None:
    with pytest.raises(Invalid):
        sheets.read(kind, content)


def test_a_list_has_an_end() -> None:
    lines = "".join(f"{n}.example\n" for n in range(sheets.MAX_LINES + 1))
    with pytest.raises(Invalid, match="too long"):
        sheets.read("domains", lines.encode())


async def test_who_moved_away_or_brought_much_brings_nothing(
    instance: Instance, alice: Account
) -> None:
    entries: Sequence[sheets.Entry] = [{"domain": "a.example"}]
    async with instance.easel.database.write() as tx:
        for _ in range(bringing.MAX_WAITING):
            await bringing.begin(tx, alice, "domains", entries, overwrite=False)
        with pytest.raises(TooMany):
            await bringing.begin(tx, alice, "domains", entries, overwrite=False)
        moved = await accounts.create_local(tx, "moved")
        moved.moved_to_uri = alice.uri
        with pytest.raises(NotAllowed):
            await bringing.begin(tx, moved, "domains", entries, overwrite=False)
    await instance.run_jobs()
    assert await take(instance, alice, "domains") == "a.example\n"


async def test_who_is_locked_brings_nothing(instance: Instance, alice: Account) -> None:
    entries: Sequence[sheets.Entry] = [{"domain": "a.example"}]
    async with instance.easel.database.write() as tx:
        await hiding.add(tx, await tx.get_one(Account, alice.id), "old.example")
        await bringing.begin(tx, alice, "domains", entries, overwrite=True)
        await moderation.act(tx, None, await tx.get_one(Account, alice.id), "disable")
    await instance.run_jobs()
    assert await take(instance, alice, "domains") == "old.example\n"


async def test_a_list_of_thousands_is_written_page_by_page(
    instance: Instance, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "PAGE", 3)
    async with instance.easel.database.write() as tx:
        for number in range(7):
            await hiding.add(tx, alice, f"{number}.example")
    pieces = [piece async for piece in taking.export(instance.easel.database, alice, "domains")]
    assert [piece.count("\n") for piece in pieces] == [3, 3, 1]
