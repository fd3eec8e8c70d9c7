"""The W3C's tests of a server, each under its name in the implementation report."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedi.database.tables import DomainRule
from fedi.jobs import Runner
from fedi.social import domains
from tests import rig
from tests.api.apps import LD_JSON, PUBLIC, App
from tests.api.client.posting import done, nobody, posted, read
from tests.api.client.reading import members
from tests.api.client.w3c.conftest import Stage
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

HARM = (
    '<p onclick="x()">kept <script>alert(1)</script><img src="x" onerror="x()">'
    '<a href="javascript:x()">link</a><a href="data:text/html,x">link</a></p>'
)
HARMFUL = ("<script", "<img", "onclick", "onerror", "javascript:", "data:text")


async def follower_of(stage: Stage, app: App) -> Person:
    """Somebody new elsewhere whom an account of ours follows."""
    person = stage.stranger("dave", "third")
    await seeing.befriend(stage.instance, app.account, person)
    return person


# ---- MUST ---------------------------------------------------------------------------------------


async def test_server_inbox_is_orderedcollection(stage: Stage, alice: App) -> None:
    dave = await follower_of(stage, alice)
    notes = [dave.note() for _ in range(3)]
    for note in notes:
        await dave.does(stage.instance, dave.create(note))
    inbox = (await read(alice, alice.account.inbox_uri)).body
    assert (inbox["id"], inbox["type"]) == (alice.account.inbox_uri, "OrderedCollection")
    page = (await read(alice, inbox["first"])).body
    assert page["type"] == "OrderedCollectionPage"
    newest_first = [entry["object"]["id"] for entry in page["orderedItems"]]
    assert newest_first == [note["id"] for note in reversed(notes)]


async def test_server_object_retrieval_respond_with_as2_re_ld_json(alice: App) -> None:
    await _respond(alice, LD_JSON)


async def _respond(alice: App, accept: str) -> None:
    uri = await posted(alice)
    for each in (alice.account.uri, uri, f"{uri}/activity", alice.account.outbox_uri):
        answer = await nobody(alice).get(each, headers={"Accept": accept})
        assert (answer.status, answer.body["id"]) == (200, each)
        assert answer.headers["Content-Type"].startswith(("application/ld+json", ACTIVITY_JSON))
        assert "https://www.w3.org/ns/activitystreams" in str(answer.body["@context"])


# ---- SHOULD -------------------------------------------------------------------------------------


async def test_server_object_retrieval_respond_with_as2_re_activity_json(alice: App) -> None:
    await _respond(alice, ACTIVITY_JSON)


async def test_server_inbox_filtered_per_permissions(stage: Stage, alice: App, bob: App) -> None:
    dave = await follower_of(stage, alice)
    await dave.does(stage.instance, dave.create(dave.note()))
    inbox = alice.account.inbox_uri
    assert len(await members(alice, inbox)) == 1
    for url in (inbox, f"{inbox}?page=true"):
        assert (await read(bob, url)).status == 403
        refused = await read(nobody(alice), url)
        assert refused.status == 401 and "resource_metadata" in refused.headers["WWW-Authenticate"]
    # What she asked not to see she does not find there, either.
    await done(alice, {"type": "Block", "object": dave.uri})
    assert await members(alice, inbox) == []


async def test_server_deleted_object_410_status(alice: App) -> None:
    uri = await posted(alice)
    await done(alice, {"type": "Delete", "object": uri})
    gone = await read(nobody(alice), uri)
    assert (gone.status, gone.body["type"], gone.body["id"]) == (410, "Tombstone", uri)


async def test_server_deleted_object_404_status(alice: App) -> None:
    """What not everybody knew of is as if it had never been; so is what never was."""
    uri = await posted(alice, to=[alice.account.followers_uri])
    await done(alice, {"type": "Delete", "object": uri})
    for missing in (uri, f"{alice.account.uri}/statuses/1"):
        assert (await read(nobody(alice), missing)).status == 404


async def test_server_private_403_or_404(alice: App, bob: App, carol: Person) -> None:
    for_followers = await posted(alice, to=[alice.account.followers_uri])
    for_bob = await posted(alice, to=[bob.account.uri])
    for uri, status, by_bob in ((for_followers, 200, 404), (for_bob, 404, 200)):
        for address in (uri, f"{uri}/activity"):
            assert (await read(nobody(alice), address)).status == 404
            assert (await read(bob, address)).status == by_bob
            assert (await carol.get(address))[0] == status


# ---- not normative ------------------------------------------------------------------------------


async def test_server_do_not_post_to_localhost(stage: Stage, alice: App, tmp_path: Path) -> None:
    port = stage.internet.port
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0"):
        await stage.follower(alice, "eve", "evil", inbox=f"http://{host}:{port}/inbox")
    await stage.instance.run_jobs()
    stage.internet.posted.clear()
    federation = {"allow_private_addresses": False}
    settings = rig.settings_for(
        tmp_path, stage.database_url, url=stage.instance.url, federation=federation
    )
    uri = await seeing.publish(stage.instance, alice.account)
    async with rig.opened(settings, stage.instance.clock) as easel:  # the same, in the open
        await Runner(easel).run_once()
    assert (await read(nobody(alice), uri)).status == 200
    assert stage.internet.posted == []


async def test_server_uri_scheme_whitelist(stage: Stage, alice: App) -> None:
    dave = await follower_of(stage, alice)
    for scheme in ("file:///etc/passwd", "javascript:alert(1)", "ftp://else.example/x", "data:,x"):
        assert (await alice.submit({"type": "Follow", "object": scheme})).status in {400, 404, 422}
        assert (await alice.submit({"type": "Like", "object": scheme})).status in {400, 404}
        note = dave.note(url=scheme, attachment=[{"type": "Image", "url": scheme}])
        await dave.does(stage.instance, dave.create(note))
        found = await seeing.seen(stage.instance, alice.account, note["id"])
        assert found is not None and scheme not in {found.status.url, found.status.uri}
        assert not found.media


async def test_server_filter_incoming_content(stage: Stage, alice: App) -> None:
    """By the person who reads, and by who runs the instance."""
    dave, eve = await follower_of(stage, alice), stage.stranger("eve", "evil")
    await seeing.befriend(stage.instance, alice.account, eve)
    muted = await seeing.known(stage.instance, dave.uri)
    await alice.post(f"/api/v1/accounts/{muted.id}/mute")
    async with stage.instance.easel.database.write() as tx:
        suspended = DomainRule(domain="evil.localhost", severity="suspend")
        await domains.put(tx, [suspended], limited=False)
    for person in (dave, eve):
        await person.send(stage.instance, person.create(person.note(to=[PUBLIC])))
        await stage.instance.run_jobs()
    assert await seeing.home(stage.instance, alice.account) == []
    async with stage.instance.easel.database.write() as tx:
        await domains.remove(tx, "evil.localhost", limited=False)


async def test_server_sanitize_fields(stage: Stage, alice: App) -> None:
    dave = await follower_of(stage, alice)
    theirs = dave.note(HARM, summary=HARM)
    await dave.does(stage.instance, dave.create(theirs))
    stage.internet.show(dave.uri, dave.document(summary=HARM, name=HARM))
    await dave.does(stage.instance, dave.activity("Update", dave.document(summary=HARM)))
    ours = await done(alice, {"type": "Note", "content": HARM, "to": [PUBLIC]})
    other = await done(alice, {"type": "Place", "content": HARM, "name": "x", "to": [PUBLIC]})
    account = await seeing.known(stage.instance, dave.uri)
    found = await seeing.status(stage.instance, theirs["id"])
    assert found is not None
    for written in (found.content, account.note, str(ours["object"]), str(other["object"])):
        assert "kept" in written
        assert not [sign for sign in HARMFUL if sign in written], written
