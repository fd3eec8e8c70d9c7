"""Finding people on other servers, and whom to believe about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activitypub.client import FetchError
from fedi.database.tables import Account
from fedi.federation import remote
from fedi.social import favourites
from fedi.social.errors import SocialError
from tests.federation import seeing
from tests.federation.peer import Internet
from tests.rig import Instance


@pytest.mark.parametrize("form", ["{handle}", "@{handle}", "acct:{handle}", "{uri}"])
async def test_somebody_is_found_by_handle_and_by_address(
    instance: Instance, internet: Internet, form: str
) -> None:
    bob = internet.person("bob", summary="<p>hello</p>", icon={
        "type": "Image", "url": "http://peer.localhost/bob.png", "summary": "me"})  # fmt: skip
    found = await remote.resolve(instance.easel, form.format(handle=bob.handle, uri=bob.uri))
    assert (found.uri, found.acct) == (bob.uri, bob.handle)
    assert (found.display_name, found.note) == ("Bob", "<p>hello</p>")
    assert (found.avatar, found.avatar_description) == ("http://peer.localhost/bob.png", "me")
    assert found.inbox_uri == bob.inbox
    # by the instance actor, because a server with authorised fetch shows it to nobody else
    assert internet.signed[bob.uri] == internet.asked[bob.uri] == 1


async def test_ours_are_found_without_asking_anybody(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    for name in ("alice", f"alice@{instance.domain}", f"@ALICE@{instance.domain}", alice.uri):
        assert (await remote.resolve(instance.easel, name)).id == alice.id
    assert not internet.asked


@pytest.mark.parametrize(
    "name", ["", "@", "nobody", "nobody@{peer}", "x@y@z", "http://", "http://[::1", "a b@{peer}",
             "http://{peer}/users/nobody", "bob@{peer}/x", "\0@{peer}", "{url}/users/nobody"],
)  # fmt: skip
async def test_nobody_is_told_in_one_sentence(
    instance: Instance, internet: Internet, alice: Account, name: str
) -> None:
    name = name.format(peer=internet.host("peer"), url=instance.url)
    with pytest.raises(SocialError) as refused:
        await remote.resolve(instance.easel, name)
    assert str(refused.value)


async def test_somebody_known_is_read_again_after_a_day(
    instance: Instance, internet: Internet
) -> None:
    bob = internet.person("bob")
    await remote.resolve(instance.easel, bob.handle)
    internet.show(bob.uri, bob.document(name="Bobby"))
    assert (await remote.resolve(instance.easel, bob.handle)).display_name == "Bob"
    assert internet.asked[bob.uri] == 1
    instance.clock.advance(timedelta(days=2))
    assert (await remote.resolve(instance.easel, bob.handle)).display_name == "Bobby"
    internet.fail(bob.uri, 500)
    instance.clock.advance(timedelta(days=2))
    assert (await remote.resolve(instance.easel, bob.handle)).display_name == "Bobby"


@pytest.mark.parametrize("what", ["document", "webfinger"])
async def test_who_cannot_be_read_again_is_not_asked_for_at_every_turn(
    instance: Instance, internet: Internet, alice: Account, what: str
) -> None:
    bob = internet.person("bob")
    await seeing.befriend(instance, alice, bob)
    instance.clock.advance(timedelta(days=2))
    if what == "document":
        internet.fail(bob.uri, 500)
    else:
        internet.handles.clear()
    internet.asked.clear()

    async def says(times: int) -> int:
        """How often bob's document was asked for meanwhile; what he says is heard all the same."""
        before = internet.asked[bob.uri]
        for _ in range(times):
            note = bob.note()
            await bob.does(instance, bob.create(note))
            assert await seeing.status(instance, note["id"]) is not None
            instance.clock.advance(timedelta(minutes=1))
        return internet.asked[bob.uri] - before

    assert await says(5) == 1
    instance.clock.advance(timedelta(hours=2))
    assert await says(5) == 1
    # The wait grows, and ends.
    instance.clock.advance(timedelta(hours=1))
    assert await says(1) == 0
    instance.clock.advance(timedelta(days=1))
    internet.show(bob.uri, bob.document(name="Bobby"))
    internet.handles[f"bob@{bob.host}"] = bob.uri
    assert await says(3) == 1
    assert (await seeing.known(instance, bob.uri)).display_name == "Bobby"
    # Who was read well is asked for a day later, as if nothing had been.
    instance.clock.advance(timedelta(days=2))
    assert await says(2) == 1


async def test_a_handle_is_whose_server_says_so(instance: Instance, internet: Internet) -> None:
    bob = internet.person("bob")
    # mallory's server says that bob's handle is theirs; bob's own does not
    mallory = internet.person("mallory", "evil", preferredUsername="bob", webfinger=bob.handle)
    with pytest.raises(SocialError):
        await remote.resolve(instance.easel, mallory.uri)
    assert await seeing.uris(instance) == []
    internet.handles[f"bob@{mallory.host}"] = bob.uri  # a name that leads to somebody else
    found = await remote.resolve(instance.easel, f"bob@{mallory.host}")
    assert (found.uri, found.acct) == (bob.uri, bob.handle)


async def test_who_cannot_be_found_by_name_is_not_taken_in(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    bob = internet.person("bob")
    internet.handles.clear()
    await bob.does(instance, bob.activity("Follow", alice.uri))
    assert await seeing.followers(instance, alice) == []
    assert await seeing.uris(instance) == []
    assert await seeing.jobs(instance) == []


async def test_a_handle_that_changes_hands_is_the_newcomers(
    instance: Instance, internet: Internet
) -> None:
    bob = internet.person("bob")
    before = await remote.resolve(instance.easel, bob.handle)
    moved = f"{bob.origin}/people/7"
    internet.show(moved, bob.document(id=moved, publicKey=None, inbox=f"{moved}/inbox"))
    internet.handles[bob.handle] = moved
    after = await remote.resolve(instance.easel, moved)
    assert after.id != before.id
    assert (await remote.resolve(instance.easel, bob.handle)).uri == moved


@pytest.mark.parametrize("type_", ["text/html", "application/json", "image/png", "text/plain"])
async def test_what_is_served_as_no_activity_is_no_actor(
    instance: Instance, internet: Internet, type_: str
) -> None:
    bob = internet.person("bob")
    internet.show(bob.uri, bob.document(), type_=type_)
    with pytest.raises(SocialError):
        await remote.resolve(instance.easel, bob.handle)


async def test_a_redirect_leads_to_the_one_whose_address_it_ends_at(
    instance: Instance, internet: Internet
) -> None:
    bob, mallory = internet.person("bob"), internet.person("mallory", "evil")
    internet.redirect(f"{mallory.origin}/go", bob.uri)
    assert (await remote.resolve(instance.easel, f"{mallory.origin}/go")).uri == bob.uri
    # and mallory's server cannot hand out bob's document as its own
    internet.show(f"{mallory.origin}/copy", {**bob.document(), "name": "Forged"})
    found = await remote.resolve(instance.easel, f"{mallory.origin}/copy")
    assert (found.uri, found.display_name) == (bob.uri, "Bob")
    for n in range(9):
        internet.redirect(f"{mallory.origin}/r{n}", f"{mallory.origin}/r{(n + 1) % 9}")
    with pytest.raises(SocialError):
        await remote.resolve(instance.easel, f"{mallory.origin}/r0")


async def test_nobody_elsewhere_is_one_of_ours(
    instance: Instance, internet: Internet, alice: Account
) -> None:
    mallory = internet.person("mallory", "evil", webfinger=f"alice@{instance.domain}")
    assert (await remote.resolve(instance.easel, mallory.uri)).acct == mallory.handle
    assert (await remote.resolve(instance.easel, "alice")).id == alice.id


@pytest.mark.parametrize("how", ["redirect", "id"])
async def test_nobody_writes_under_the_name_of_somebody_to_whom_they_point(
    instance: Instance, internet: Internet, how: str
) -> None:
    mallory, bob = internet.person("mallory", "evil"), internet.person("bob")
    pointer = f"{mallory.origin}/users/pointer"
    if how == "redirect":
        internet.redirect(pointer, bob.uri)
    else:
        internet.show(pointer, bob.document())
    note = mallory.note("<p>forged</p>", attributedTo=pointer)
    internet.show(note["id"], note)
    with pytest.raises(FetchError):
        await remote.status(instance.easel, note["id"])
    assert await seeing.status(instance, note["id"]) is None


@pytest.mark.parametrize("how", ["redirect", "id"])
async def test_nobody_acts_under_the_name_of_somebody_to_whom_they_point(
    instance: Instance, internet: Internet, alice: Account, how: str
) -> None:
    mallory, bob = internet.person("mallory", "evil"), internet.person("bob")
    known = await remote.resolve(instance.easel, bob.handle)
    await mallory.does(instance, mallory.activity("Follow", alice.uri))
    uri = await seeing.publish(instance, alice)
    instance.clock.advance(timedelta(days=2))
    if how == "redirect":
        internet.redirect(mallory.uri, bob.uri)
    else:
        internet.show(mallory.uri, bob.document())
    await mallory.does(instance, mallory.activity("Like", uri))
    await mallory.does(instance, mallory.activity("Follow", alice.uri))
    status = await seeing.status(instance, uri)
    assert status is not None
    async with instance.easel.database.read() as session:
        assert await favourites.find(session, known.id, status.id) is None
    assert await seeing.followers(instance, alice) == [mallory.uri]
