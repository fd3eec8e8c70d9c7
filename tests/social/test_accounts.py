"""Accounts: made, described, signed in, and gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlmodel import select

from activitypub.signatures.keys import load_private, load_public
from fedi.database import tables
from fedi.database.tables import (
    Account,
    AccountKey,
    Filter,
    FilterKeyword,
    FollowedTag,
    ListMember,
    MediaAttachment,
    Status,
    Tag,
    UserList,
)
from fedi.runtime import Easel
from fedi.social import (
    accounts,
    blocks,
    credentials,
    departures,
    favourites,
    follows,
    reblogs,
    remote_accounts,
    statuses,
)
from fedi.social.errors import Invalid
from fedi.social.statuses import Received
from tests.social import people
from tests.social.people import fresh, home_ids, notices, publish, receive, told


async def create(easel: Easel, name: str, **details: Any) -> Account:
    async with easel.database.write() as tx:
        return await accounts.create_local(tx, name, **details)


async def test_a_new_account_has_all_that_others_need(easel: Easel) -> None:
    url = easel.settings.instance.url
    alice = await create(easel, "Alice", display_name="Alice A.")
    assert alice.username == alice.handle == alice.acct == "alice"
    assert alice.local and alice.display_name == "Alice A."
    assert alice.uri == f"{url}/users/alice"
    assert alice.url == f"{url}/@alice"
    assert alice.inbox_uri == f"{url}/users/alice/inbox"
    assert alice.outbox_uri == f"{url}/users/alice/outbox"
    assert alice.followers_uri == f"{url}/users/alice/followers"
    assert alice.following_uri == f"{url}/users/alice/following"
    assert alice.featured_uri == f"{url}/users/alice/collections/featured"
    assert alice.shared_inbox_uri == f"{url}/inbox"
    assert alice.public_key_id == f"{url}/users/alice#main-key"
    assert alice.private_key_pem is not None
    load_private(alice.private_key_pem)
    load_public(alice.public_key_pem)


@pytest.mark.parametrize(
    ("name", "details", "words"),
    [
        ("", {}, "A name is"),
        ("x" * 31, {}, "A name is"),
        ("al ice", {}, "A name is"),
        ("älice", {}, "A name is"),
        ("alice\n", {}, "A name is"),
        ("a@b", {}, "A name is"),
        ("admin", {}, "reserved"),
        ("Inbox", {}, "reserved"),
        ("taken", {}, "taken"),
        ("TAKEN", {}, "taken"),
        ("alice", {"display_name": "x" * 101}, "display name"),
        ("alice", {"role": "emperor"}, "role"),
        ("alice", {"password": "short"}, "at least 8"),
        ("alice", {"password": "x" * 1001}, "at least 8"),
        ("alice", {"email": "nonsense"}, "email"),
        ("alice", {"email": "TAKEN@far.example"}, "email"),
    ],
)
async def test_what_is_no_account_is_refused(
    easel: Easel, name: str, details: dict[str, Any], words: str
) -> None:
    await create(easel, "taken", email="taken@far.example")
    with pytest.raises(Invalid, match=words):
        await create(easel, name, **details)


async def test_accounts_are_found_by_handle_and_id(easel: Easel) -> None:
    domain = easel.settings.instance.domain
    alice = await create(easel, "alice")
    far = await people.remote(easel, "Far")
    async with easel.database.read() as session:
        for handle in ("alice", "@Alice", f"alice@{domain}", f"@ALICE@{domain}"):
            found = await accounts.by_handle(session, handle)
            assert found is not None and found.id == alice.id
        found = await accounts.by_handle(session, "far@Elsewhere.example")
        assert found is not None and found.id == far.id
        assert await accounts.find_local(session, "far@elsewhere.example") is None
        assert await accounts.by_handle(session, "far") is None
        many = await accounts.by_handles(session, ["alice", f"alice@{domain}", "nobody"])
        assert {name: row.id for name, row in many.items()} == {
            "alice": alice.id,
            f"alice@{domain}": alice.id,
        }
        assert [row.id for row in await accounts.list_local(session)] == [alice.id]


async def test_the_instance_has_an_actor_that_is_nobody(easel: Easel) -> None:
    async with easel.database.write() as tx:
        first = await accounts.ensure_instance_actor(tx)
        again = await accounts.ensure_instance_actor(tx)
    assert first.id == again.id
    assert first.uri == f"{easel.settings.instance.url}/actor"
    assert first.actor_type == "Application"
    domain = easel.settings.instance.domain
    async with easel.database.read() as session:
        found = await accounts.by_handle(session, f"{domain}@{domain}")
        assert found is not None and found.id == first.id
        assert await accounts.find_local(session, domain) is None
        assert await accounts.list_local(session) == []


# Somebody elsewhere


async def test_a_description_is_made_harmless(easel: Easel) -> None:
    far = await people.remote(
        easel,
        "far",
        display_name="Far\u202e\nAway" + "x" * 999,
        note='<p onclick="x">Hi<script>x</script></p>',
        fields=({"name": "Web\n", "value": '<a href="javascript:x">x</a>'},),
        url="https://victim.example/@victim",
    )
    assert far.display_name.startswith("Far Away") and len(far.display_name) == 200
    assert far.note == "<p>Hi</p>"
    assert far.fields == [{"name": "Web", "value": '<a rel="nofollow noopener">x</a>'}]
    assert far.url == far.uri


async def test_a_refreshed_account_is_the_same_account(easel: Easel) -> None:
    first = await people.remote(easel, "far", display_name="One")
    again = await people.remote(easel, "far", display_name="Two", locked=True)
    assert again.id == first.id
    assert again.display_name == "Two" and again.locked
    assert again.fetched_at == easel.clock.now()


async def test_a_handle_is_whose_it_was_verified_for_last(easel: Easel) -> None:
    old = await people.remote(easel, "far")
    new = await people.remote(easel, "far", uri="https://elsewhere.example/actors/2")
    assert new.id != old.id
    async with easel.database.read() as session:
        found = await accounts.by_handle(session, "far@elsewhere.example")
        assert found is not None and found.id == new.id
        still = await accounts.by_uri(session, old.uri)
        assert still is not None and still.id == old.id
    # And back again, when the server says so.
    back = await people.remote(easel, "far")
    assert back.id == old.id
    async with easel.database.read() as session:
        found = await accounts.by_handle(session, "far@elsewhere.example")
        assert found is not None and found.id == old.id


@pytest.mark.parametrize("claim", ["domain", "uri"])
async def test_nobody_elsewhere_is_of_this_instance(easel: Easel, claim: str) -> None:
    instance = easel.settings.instance
    alice = await create(easel, "alice")
    details = (
        people.described("alice", instance.domain, uri="https://evil.example/alice")
        if claim == "domain"
        else people.described("alice", "evil.example", uri=alice.uri)
    )
    with pytest.raises(Invalid):
        async with easel.database.write() as tx:
            await remote_accounts.save_remote(tx, details)
    assert (await fresh(easel, alice)).inbox_uri == alice.inbox_uri


# Signing in


async def test_a_password_is_checked_and_changing_it_signs_everything_out(easel: Easel) -> None:
    alice = await create(easel, "alice", password="correct horse")
    nobody = await create(easel, "nobody")
    async with easel.database.write() as tx:
        token = await credentials.issue_token(tx, alice, "app")
    async with easel.database.read() as session:
        assert await credentials.verify_password(session, alice, "correct horse")
        assert not await credentials.verify_password(session, alice, "wrong horse")
        assert not await credentials.verify_password(session, alice, "")
        assert not await credentials.verify_password(session, nobody, "")
        assert await credentials.authenticate(session, token) is not None
    async with easel.database.write() as tx:
        await credentials.set_password(tx, alice, "battery staple")
    async with easel.database.read() as session:
        assert await credentials.verify_password(session, alice, "battery staple")
        assert not await credentials.verify_password(session, alice, "correct horse")
        assert await credentials.authenticate(session, token) is None


async def test_a_token_is_its_owners_until_they_go(easel: Easel) -> None:
    alice = await create(easel, "alice")
    async with easel.database.write() as tx:
        token = await credentials.issue_token(tx, alice, "app", "read write:statuses")
        with pytest.raises(Invalid):
            await credentials.issue_token(tx, alice, "app", "read everything")
    async with easel.database.read() as session:
        found = await credentials.authenticate(session, token)
        assert found is not None
        assert found[0].id == alice.id and found[1].scopes == "read write:statuses"
        assert token not in str(found[1])
        assert await credentials.authenticate(session, token + "x") is None
        assert await credentials.authenticate(session, "") is None
    async with easel.database.write() as tx:
        current = await tx.get(Account, alice.id)
        assert current is not None
        current.suspended_at = tx.now
    async with easel.database.read() as session:
        assert await credentials.authenticate(session, token) is None


# Gone


@pytest.mark.parametrize("who", ["local", "remote"])
async def test_who_goes_leaves_a_tombstone_and_right_counts(easel: Easel, who: str) -> None:
    ours = who == "local"
    bob, carol = [await people.local(easel, name) for name in ("bob", "carol")]
    gone = await (people.local if ours else people.remote)(easel, "gone")
    await people.follow(easel, bob, gone)
    await people.follow(easel, gone, carol)
    theirs = await publish(easel, carol, "@gone")
    kept = await publish(easel, bob)
    async with easel.database.write() as tx:
        await favourites.add(tx, gone, theirs)
        await reblogs.add(tx, gone, theirs)
        await favourites.add(tx, bob, theirs)
        for n in range(2):
            if ours:
                draft = statuses.Draft(text="@carol", in_reply_to_id=theirs.id)
                await statuses.publish(tx, gone, draft)
            else:
                answer = Received(
                    uri=f"{gone.uri}/{n}", in_reply_to_uri=theirs.uri, mentions=(carol.id,)
                )
                await statuses.receive(tx, gone, answer)
        await blocks.add(tx, gone, await _other(tx))
    if ours:
        picture = await people.picture(easel, gone)
        last = await publish(easel, gone, "#tag", media_ids=[picture])
    else:
        received = await receive(easel, gone, tags=("#tag",))
        assert received is not None
        last = received
    async with easel.database.write() as tx:
        await reblogs.add(tx, carol, last)
        await favourites.add(tx, carol, last)
    assert (await fresh(easel, theirs)).replies_count == 2

    async with easel.database.write() as tx:
        current = await tx.get(Account, gone.id)
        assert current is not None
        await (accounts.delete_account if ours else remote_accounts.tombstone_remote)(tx, current)
        assert not ours or current.private_key_pem  # it still signs its own end

    tombstone = await fresh(easel, gone)
    assert tombstone.deleted_at is not None and tombstone.display_name == ""
    for account, counts in ((bob, (0, 0)), (carol, (0, 0)), (gone, (0, 0))):
        current = await fresh(easel, account)
        assert (current.followers_count, current.following_count) == counts
    mended = await fresh(easel, theirs)
    assert (mended.favourites_count, mended.reblogs_count, mended.replies_count) == (1, 0, 0)
    assert await home_ids(easel, bob) == [kept.id]
    assert await notices(easel, carol) == [("favourite", bob.id, theirs.id)]
    async with easel.database.read() as session:
        alive = await session.exec(
            select(Status).where(Status.account_id == gone.id, Status.deleted_at == None)  # noqa: E711
        )
        assert alive.all() == []
        emptied = await session.exec(select(Status.content).where(Status.account_id == gone.id))
        assert set(emptied.all()) == {""}
        attached = await session.exec(
            select(MediaAttachment).where(
                MediaAttachment.account_id == gone.id,
                MediaAttachment.status_id != None,  # noqa: E711
            )
        )
        assert attached.all() == []
        assert await follows.followers(session, gone) == []
    ends = await told(easel, "delete_actor")
    assert [end["account_id"] for end in ends] == ([gone.id] if ours else [])


async def _other(tx: Any) -> Account:
    return await remote_accounts.save_remote(tx, people.described("other"))


async def test_everybody_elsewhere_is_told_once_per_server(easel: Easel) -> None:
    alice = await create(easel, "alice")
    for name in ("one", "two"):
        await people.remote(easel, name)
    await people.remote(easel, "three", "third.example", shared_inbox_uri=None)
    async with easel.database.write() as tx:
        await accounts.delete_account(tx, alice)
    [end] = await told(easel, "delete_actor")
    assert end["inboxes"] == [
        "https://elsewhere.example/inbox",
        "https://third.example/users/three/inbox",
    ]


async def test_nothing_that_somebody_had_to_themselves_stays(easel: Easel) -> None:
    gone, other = await create(easel, "gone"), await create(easel, "other")
    async with easel.database.write() as tx:
        tag = Tag(id=tx.new_id(), name="fog", display_name="fog")
        mine = Filter(id=tx.new_id(), account_id=gone.id, title="x", created_at=tx.now)
        list_ = UserList(id=tx.new_id(), account_id=other.id, title="friends", created_at=tx.now)
        tx.add_all([tag, mine, list_])
        await tx.flush()
        tx.add_all(
            [
                FilterKeyword(id=tx.new_id(), filter_id=mine.id, keyword="secret"),
                FollowedTag(id=tx.new_id(), account_id=gone.id, tag_id=tag.id, created_at=tx.now),
                ListMember(id=tx.new_id(), list_id=list_.id, account_id=gone.id),
            ]
        )
        await tx.flush()
        await accounts.delete_account(tx, gone)
    async with easel.database.read() as session:
        for table in (Filter, FilterKeyword, FollowedTag, ListMember):
            assert (await session.exec(select(table))).all() == [], table


# What stays of an account that is gone, and why.
STAYS = {
    "account_key": "it still signs its own end",
    "account_warning": "what moderators did",
    "assistant_request": "it was counted among those of its domain",
    "audit_entry": "what moderators did",
    "consent_change": "what was given away went by it",
    "invite": "others came by it",
    "media_attachment": "until the job `unposted` has taken its files along",
    "outgoing_activity": "until it is delivered",
    "painting": "with its tombstones",
    "painting_input": "until the job `forget_inputs` has taken its files along",
    "poll_vote": "it was counted",
    "report": "what others said of it",
    "stamp": "what others were allowed",
    "status": "tombstones",
    "trend_signal": "the trends are counted without it; it goes when it is a week old",
    "challenge": "gone in minutes",
    "mention": "in what others wrote",
}


def test_every_table_of_accounts_is_thought_of() -> None:
    """A new table that belongs to accounts either goes with them, or stays for a reason."""
    named = {
        str(name)
        for name in tables.__all__
        for column in getattr(tables, name).__table__.columns
        if column.name == "account_id" and column.foreign_keys
    }
    thought_of = {name for name in named if hasattr(departures, name) or hasattr(accounts, name)}
    assert (
        named - thought_of
        == {name for name in named if getattr(tables, name).__tablename__ in STAYS} - thought_of
    )


async def test_a_name_is_never_used_again(easel: Easel) -> None:
    alice = await create(easel, "alice", password="correct horse")
    async with easel.database.write() as tx:
        token = await credentials.issue_token(tx, alice, "app")
        await accounts.delete_account(tx, alice)
    with pytest.raises(Invalid, match="taken"):
        await create(easel, "alice")
    async with easel.database.read() as session:
        assert await accounts.find_local(session, "alice") is None
        assert await credentials.authenticate(session, token) is None
        assert not await credentials.verify_password(session, alice, "correct horse")
    with pytest.raises(Invalid):
        async with easel.database.write() as tx:
            await accounts.delete_account(tx, alice)


async def test_many_at_once_are_stored_as_one_by_one(easel: Easel) -> None:
    """New ones together; who is known, who takes a handle over, and who is named twice by
    themselves; with their further keys."""
    known = await people.remote(easel, "known")
    gone = await people.remote(easel, "gone")
    before = await people.remote(easel, "taken", uri="https://elsewhere.example/users/before")
    async with easel.database.write() as tx:
        await remote_accounts.tombstone_remote(tx, await tx.get_one(Account, gone.id))
    key = (("https://elsewhere.example/users/new#ed", people.public_key()),)
    told = [
        people.described("new", display_name="<b>New</b>", further_keys=key),
        people.described("newer"),
        people.described("known", display_name="Known"),
        people.described("gone"),
        people.described("taken", uri="https://elsewhere.example/users/after"),
        people.described("newer", display_name="Again"),
    ]
    async with easel.database.write() as tx:
        saved = await remote_accounts.save_all(tx, told)
    assert [account.uri for account in saved] == [each.uri for each in told]
    stored = [await fresh(easel, account) for account in saved]
    assert [account.display_name for account in stored] == [
        "<b>New</b>", "Again", "Known", "", "", "Again",
    ]  # fmt: skip
    assert saved[1].id == saved[5].id and saved[2].id == known.id and saved[3].id == gone.id
    assert stored[3].deleted_at is not None
    assert (await fresh(easel, before)).handle.endswith("!taken@elsewhere.example")
    assert stored[4].handle == "taken@elsewhere.example"
    async with easel.database.read() as session:
        kept = (await session.exec(select(AccountKey.key_id))).all()
    assert key[0][0] in kept


async def test_a_tombstone_is_not_described_anew(easel: Easel) -> None:
    far = await people.remote(easel, "far", display_name="Far")
    async with easel.database.write() as tx:
        current = await tx.get(Account, far.id)
        assert current is not None
        await remote_accounts.tombstone_remote(tx, current)
    again = await people.remote(easel, "far", display_name="Back")
    assert again.id == far.id
    assert again.deleted_at is not None and again.display_name == ""


# All at once


async def test_the_same_things_at_the_same_time_happen_once(easel: Easel) -> None:
    """On PostgreSQL these transactions really run beside each other."""
    alice, bob = await create(easel, "alice"), await create(easel, "bob")
    far = await people.remote(easel, "far")
    await people.follow(easel, bob, far)
    status = await publish(easel, alice)

    async def like() -> None:
        async with easel.database.write() as tx:
            await favourites.add(tx, bob, status)

    async def boost(n: int) -> None:
        async with easel.database.write() as tx:
            await reblogs.add(tx, far, status, uri=f"https://elsewhere.example/a/{n}")

    async def arrive() -> None:
        async with easel.database.write() as tx:
            received = Received(
                uri=f"{far.uri}/1", in_reply_to_uri=status.uri, tags=("#b", "#a", "#c")
            )
            assert await statuses.receive(tx, far, received) is not None

    async def befriend(one: Account, other: Account) -> None:
        async with easel.database.write() as tx:
            await follows.request(tx, one, other)

    await asyncio.gather(
        *[like() for _ in range(4)],
        *[boost(n) for n in range(4)],
        *[arrive() for _ in range(4)],
        *[befriend(one, other) for one, other in ((alice, bob), (bob, alice)) * 2],
    )
    counted = await fresh(easel, status)
    assert (counted.favourites_count, counted.reblogs_count, counted.replies_count) == (1, 1, 1)
    assert (await fresh(easel, far)).statuses_count == 1
    for account in (alice, bob):
        assert (await fresh(easel, account)).followers_count == 1
    assert [kind for kind, *_ in await notices(easel, bob)] == ["follow"]

    async def dislike() -> None:
        async with easel.database.write() as tx:
            await favourites.remove(tx, bob, status)

    async def take_back() -> None:
        async with easel.database.write() as tx:
            await reblogs.remove(tx, far, status)

    async def part(one: Account, other: Account) -> None:
        async with easel.database.write() as tx:
            await follows.remove(tx, one, other)

    async def vanish() -> None:
        async with easel.database.write() as tx:
            answer = await statuses.load_by_uri(tx, None, f"{far.uri}/1")
            if answer is not None:
                await statuses.delete(tx, answer)

    # One more of each, so that a step too many would be seen.
    await follows_and_likes(easel, await create(easel, "carol"), alice, status)
    await asyncio.gather(
        *[dislike() for _ in range(4)],
        *[take_back() for _ in range(4)],
        *[vanish() for _ in range(4)],
        *[part(bob, alice) for _ in range(4)],
    )
    counted = await fresh(easel, status)
    assert (counted.favourites_count, counted.reblogs_count, counted.replies_count) == (1, 0, 0)
    assert (await fresh(easel, alice)).followers_count == 1


async def follows_and_likes(
    easel: Easel, account: Account, target: Account, status: Status
) -> None:
    await people.follow(easel, account, target)
    async with easel.database.write() as tx:
        await favourites.add(tx, account, status)
