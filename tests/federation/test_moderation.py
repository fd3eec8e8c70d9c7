"""What other servers see of it when moderators act here."""

from __future__ import annotations

import pytest

from fedi.database.tables import Account
from fedi.social import accounts, moderation
from tests.federation import seeing
from tests.federation.peer import Internet, Person
from tests.rig import Instance


@pytest.fixture
def bob(internet: Internet) -> Person:
    return internet.person("bob")


async def act(instance: Instance, uri: str, what: str) -> None:
    async with instance.easel.database.write() as tx:
        account = await accounts.by_uri(tx, uri)
        assert account is not None
        if what == "suspend":
            await moderation.act(tx, None, account, "suspend")
        else:
            await moderation.undo(tx, None, account, "unsuspend")
    await instance.run_jobs()


async def test_followers_elsewhere_hear_that_somebody_is_suspended_and_is_back(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    internet.posted.clear()
    await act(instance, alice.uri, "suspend")
    [update] = internet.got(bob.inbox)
    assert update["type"] == "Update" and update["object"]["id"] == alice.uri
    assert update["object"]["suspended"] is True and "summary" not in update["object"]
    internet.posted.clear()
    await bob.does(instance, bob.activity("Follow", alice.uri))  # nobody is there
    assert internet.got(bob.inbox) == []
    await act(instance, alice.uri, "unsuspend")
    [update] = internet.got(bob.inbox)
    assert "suspended" not in update["object"]
    assert await seeing.followers(instance, alice) == [bob.uri]


async def test_who_is_suspended_alone_loses_what_they_follow_and_is_not_heard(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    carol = internet.person("carol")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    await carol.does(instance, carol.activity("Follow", alice.uri))
    uri = await seeing.follow(instance, alice, bob.uri)
    await bob.does(instance, bob.activity("Accept", uri))
    note = bob.note("<p>hello</p>")
    await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == [note["id"]]
    internet.posted.clear()
    await act(instance, bob.uri, "suspend")
    assert [activity["type"] for activity in internet.got(bob.inbox)] == ["Reject"]
    assert await seeing.followers(instance, alice) == [carol.uri]
    assert await seeing.home(instance, alice) == []
    await bob.does(instance, bob.create(bob.note("<p>more</p>")))
    await bob.does(instance, bob.activity("Follow", alice.uri))
    assert await seeing.home(instance, alice) == []
    assert await seeing.followers(instance, alice) == [carol.uri]
    await act(instance, bob.uri, "unsuspend")
    assert await seeing.home(instance, alice) == [note["id"]]
    later = bob.note("<p>again</p>")
    await bob.does(instance, bob.create(later))
    assert await seeing.home(instance, alice) == [later["id"], note["id"]]
