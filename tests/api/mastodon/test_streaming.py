"""Streaming, over real WebSockets and server-sent events."""

from __future__ import annotations

from typing import Any

import aiohttp
import msgspec
import pytest
from sqlalchemy import update
from sqlmodel import col

from fedi.api.mastodon import entities
from fedi.api.mastodon.streaming import connections, hub
from fedi.database.tables import AccessToken, Mute, Quote, Status
from fedi.social import blocks, reblogs, statuses
from fedi.social.statuses import Draft
from tests import rig
from tests.api.apps import App
from tests.api.mastodon.streams import Heard, Socket, listening, reading
from tests.social import people

AS_JSON = msgspec.json.encode


@pytest.fixture
async def alice(instance: rig.Instance, browser: aiohttp.ClientSession) -> App:
    return await App.of(instance, browser, "alice")


@pytest.fixture
async def bob(instance: rig.Instance, browser: aiohttp.ClientSession, alice: App) -> App:
    """Somebody who follows alice."""
    app = await App.of(instance, browser, "bob")
    await people.follow(instance.easel, app.account, alice.account)
    return app


async def publish(app: App, text: str, **more: Any) -> Status:
    async with app.instance.easel.database.write() as tx:
        return await statuses.publish(tx, app.account, Draft(text=text, **more))


def strictly(heard: Heard) -> entities.Status:
    """The status of an event, decoded as strictly as clients do."""
    found: entities.Status = msgspec.json.decode(AS_JSON(heard.payload), type=entities.Status)
    return found


async def test_what_stands_in_the_home_timeline_comes_by_the_stream(alice: App, bob: App) -> None:
    async with listening(bob, "user") as socket:
        status = await publish(alice, "a fox")
        heard = await socket.next()
        assert (heard.stream, heard.event) == (["user"], "update")
        assert strictly(heard).id == str(status.id)
        async with bob.instance.easel.database.write() as tx:
            await statuses.edit(
                tx, alice.account, await tx.get_one(Status, status.id), Draft(text="b")
            )
        heard = await socket.next()
        assert heard.event == "status.update"
        assert strictly(heard).edited_at is not None
        async with bob.instance.easel.database.write() as tx:
            await statuses.delete(tx, await tx.get_one(Status, status.id))
        assert await socket.next() == Heard(["user"], "delete", str(status.id))


async def test_many_streams_share_a_connection(alice: App, bob: App) -> None:
    async with listening(bob) as socket:
        await socket.subscribe("public:local")
        await socket.subscribe("hashtag", tag="Foxes")
        await socket.subscribe("user:notification")
        status = await publish(alice, "@bob see #foxes")
        heard = [await socket.next() for _ in range(3)]
        assert sorted((one.stream, one.event) for one in heard) == [
            (["hashtag", "Foxes"], "update"),
            (["public:local"], "update"),
            (["user:notification"], "notification"),
        ]
        [told] = [one.payload for one in heard if one.event == "notification"]
        notice = msgspec.json.decode(AS_JSON(told), type=entities.Notification)
        assert (notice.type, notice.account.acct) == ("mention", "alice")
        assert isinstance(notice.status, entities.Status)
        assert notice.status.id == str(status.id)
        await socket.unsubscribe("public:local")
        await socket.unsubscribe("user:notification")
        await publish(alice, "no tag")
        tagged = await publish(alice, "again #foxes")
        heard = [await socket.next()]
        assert [(one.stream, one.payload["id"]) for one in heard] == [
            (["hashtag", "Foxes"], str(tagged.id))
        ]


async def test_what_is_asked_for_wrongly_is_said_and_ends_nothing(alice: App) -> None:
    async with listening(alice, "nonsense") as socket:
        pass
    async with listening(alice) as socket:
        for message in (
            "no json",
            "[]",
            '{"type": "subscribe"}',
            '{"type": "subscribe", "stream": "everything"}',
            '{"type": "subscribe", "stream": "hashtag"}',
            '{"type": "subscribe", "stream": "list", "list": "1"}',
            '{"type": "jump", "stream": "user"}',
        ):
            await socket.socket.send_str(message)
            told = await socket.raw()
            assert told["status"] == (404 if "list" in message else 400), message
            assert told["error"], message
        await socket.subscribe("public")
        status = await publish(alice, "still here")
        assert (await socket.next()).payload["id"] == str(status.id)
        await socket.socket.send_str("x" * 5000)
        assert await socket.closed() == 1008


async def test_a_token_can_stand_where_an_app_can_put_it(alice: App) -> None:
    url = f"{alice.instance.url}/api/v1/streaming"
    assert alice.token is not None
    bearer = {"Authorization": f"Bearer {alice.token}"}
    async with alice.browser.ws_connect(url, headers=bearer) as socket:
        assert socket.protocol is None
    async with alice.browser.ws_connect(f"{url}/", protocols=[alice.token]) as socket:
        assert socket.protocol == alice.token
        await Socket(socket).subscribe("user")
    for options in ({}, {"headers": {"Authorization": "Bearer nobody"}}, {"protocols": ["x"]}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await alice.browser.ws_connect(url, **options)
        assert refused.value.status == 401


async def test_scopes_are_kept_to(
    instance: rig.Instance, browser: aiohttp.ClientSession, alice: App
) -> None:
    bob = await App.of(instance, browser, "bob", "read:statuses")
    await people.follow(instance.easel, bob.account, alice.account)
    carol = await App.of(instance, browser, "carol", "read:notifications write")
    async with listening(bob, "user") as hers, listening(carol) as his:
        await hers.say(type="subscribe", stream="user:notification")
        assert (await hers.raw())["status"] == 403
        await his.say(type="subscribe", stream="user")
        assert (await his.raw())["status"] == 403
        await his.subscribe("user:notification")
        await publish(alice, "@bob @carol hello")
        assert (await hers.next()).event == "update"  # and no notification
        assert (await his.next()).event == "notification"
        last = await publish(alice, "the next")
        assert (await hers.next()).payload["id"] == str(last.id)
    refused = await carol.get("/api/v1/streaming/public")
    assert refused.status == 403


async def test_a_token_that_is_revoked_hears_nothing_more(alice: App, bob: App) -> None:
    async with listening(bob, "user") as socket, reading(bob, "user") as sent:
        async with bob.instance.easel.database.write() as tx:
            await tx.execute(
                update(AccessToken)
                .where(col(AccessToken.account_id) == bob.account.id)
                .values(revoked_at=tx.now)
            )
        await publish(alice, "not for bob any more")
        assert await socket.closed() == 1008
        assert await sent.answer.content.read() == b""


async def test_who_does_not_keep_up_is_closed(
    alice: App, bob: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = hub.of(bob.instance.easel)
    async with listening(bob, "user"):
        [connection] = here._accounts[bob.account.id]
        told = connections.Told("update", "x" * 100_000)
        channel = next(iter(connection.channels))
        for _ in range(connections.MAX_WAITING + 1):
            connection.tell(told, channel)  # in one breath: nothing can be sent between
        assert (connection.ended.is_set(), connection.code) == (True, 1013)
        assert connection.waiting.empty()


async def test_there_is_an_end_to_connections_and_streams(
    alice: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(hub, "MAX_STREAMS", 2)
    async with listening(alice, "user") as socket, reading(alice, "public"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with listening(alice):
                pass
        assert refused.value.status == 429
        assert (await alice.get("/api/v1/streaming/user")).status == 429
        await socket.subscribe("public")
        await socket.say(type="subscribe", stream="direct")
        assert (await socket.raw())["status"] == 422
        await socket.unsubscribe("public")
        await socket.subscribe("direct")
    here = hub.of(alice.instance.easel)
    await rig.until(lambda: not here._accounts)  # and each gives its place back
    assert not here._listening


async def test_streams_of_server_sent_events(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    picture = await people.picture(easel, alice.account)
    async with (
        reading(bob, "user") as home,
        reading(bob, "public") as public,
        reading(bob, "public/local?only_media=true") as pictures,
        reading(bob, "public/remote") as remote,
        reading(bob, "hashtag?tag=FOX") as tagged,
        reading(bob, "hashtag/local?tag=fox") as local,
        reading(bob, "user/notification") as notices,
    ):
        words = await publish(alice, "no picture")
        shown = await publish(alice, "@bob #fox", media_ids=[picture])
        for stream, ids in (
            (home, [words, shown]),
            (public, [words, shown]),
            (pictures, [shown]),
            (tagged, [shown]),
            (local, [shown]),
        ):
            told = []
            for _ in ids:
                kind, payload = await stream.next()
                while kind == "notification":  # the home stream has these, too
                    kind, payload = await stream.next()
                assert kind == "update"
                told.append(payload["id"])
            assert told == [str(one.id) for one in ids]
        assert (await notices.next())[0] == "notification"
        far = await people.remote(easel, "far")
        received = await people.receive(easel, far, content="<p>from afar</p>")
        assert received is not None
        kind, payload = await remote.next()
        assert (kind, payload["id"]) == ("update", str(received.id))
    assert (await alice.get("/api/v1/streaming/health")).body == b"OK"
    assert (await alice.get("/api/v1/streaming/hashtag")).status == 400
    assert (await alice.get("/api/v1/streaming/nothing")).status == 404


VISIBILITIES = ("public", "unlisted", "private", "direct")
WHO = ("author", "follower", "named", "stranger", "blocked", "blocking", "muting")
# By `update` on any stream at all: home, public, hashtag.
HEARS = {
    "public": {"author", "follower", "named", "stranger"},
    "unlisted": {"author", "follower"},
    "private": {"author", "follower"},
    "direct": {"author"},
}
# By `delete`: whoever could see it, wherever they have it from.
SEES = {
    "public": {"author", "follower", "named", "stranger", "blocking", "muting"},
    "unlisted": {"author", "follower", "named", "stranger", "blocking", "muting"},
    "private": {"author", "follower", "named", "muting"},
    "direct": {"author", "named"},
}


async def until(socket: Socket, end: Status) -> list[Heard]:
    """What is heard before a post on the public stream; it comes by others, too."""
    found: list[Heard] = []
    while True:
        heard = await socket.next()
        if heard.event == "update" and heard.payload["id"] == str(end.id):
            if heard.stream == ["public"]:
                return found
            continue
        found.append(heard)


async def test_nothing_leaks(instance: rig.Instance, browser: aiohttp.ClientSession) -> None:
    """Who hears what: a table of those who listen to everything, and of visibilities."""
    easel = instance.easel
    apps = {name: await App.of(instance, browser, name) for name in WHO}
    author = apps["author"].account
    for name in ("follower", "muting"):
        await people.follow(easel, apps[name].account, author)
    async with easel.database.write() as tx:
        await blocks.add(tx, author, apps["blocked"].account)
        await blocks.add(tx, apps["blocking"].account, author)
        tx.add(
            Mute(
                id=tx.new_id(),
                account_id=apps["muting"].account.id,
                target_account_id=author.id,
                created_at=tx.now,
            )
        )
    sockets: dict[str, Socket] = {}
    opened = []
    try:
        for name, app in apps.items():
            context = listening(app)
            opened.append(context)
            sockets[name] = await context.__aenter__()
            for stream in ("user", "public", "public:local", "public:media", "direct"):
                await sockets[name].subscribe(stream)
            await sockets[name].subscribe("hashtag", tag="secret")
        # What everybody hears ends each part: by then all before it has been told.
        herald = await App.of(instance, browser, "herald")
        posted = [
            await publish(apps["author"], "@named #secret", visibility=visibility)
            for visibility in VISIBILITIES
        ]
        end = await publish(herald, "all is posted")
        for name, socket in sockets.items():
            heard = await until(socket, end)
            kinds = {one.event for one in heard} - {"update"}
            theirs = {"named": {"notification", "conversation"}, "author": {"conversation"}}
            assert kinds == theirs.get(name, set()), name
            seen = {one.payload["visibility"] for one in heard if one.event == "update"}
            assert seen == {one for one in VISIBILITIES if name in HEARS[one]}, name
        for status in posted:
            async with easel.database.write() as tx:
                await statuses.delete(tx, await tx.get_one(Status, status.id))
        end = await publish(herald, "all is deleted")
        for name, socket in sockets.items():
            told = {one.payload for one in await until(socket, end) if one.event == "delete"}
            wanted = [status for status in posted if name in SEES[status.visibility]]
            assert told == {str(status.id) for status in wanted}, name
    finally:
        for context in opened:
            await context.__aexit__(None, None, None)


async def test_a_held_answer_is_heard_by_those_alone_who_may_see_it(alice: App, bob: App) -> None:
    easel = alice.instance.easel
    async with listening(alice, "public") as hers, listening(bob, "public") as his:
        for socket in (hers, his):
            await socket.subscribe("user")
        held = await publish(alice, "wait")
        for socket in (hers, his):
            for _ in range(2):
                await socket.next()
        async with easel.database.write() as tx:
            row = await tx.get_one(Status, held.id)
            row.approval = "pending"
            tx.add(row)
            statuses.announce_event(tx, row, "status")
        assert (await hers.next()).stream == ["user"]  # its author's own, and on no public stream
        last = await publish(alice, "open")
        assert (await his.next()).payload["id"] == str(last.id)


async def test_a_private_boost_shows_what_it_boosts_to_those_who_may_see_it(
    alice: App, bob: App
) -> None:
    async with listening(bob, "user") as socket:
        secret = await publish(alice, "for followers", visibility="private")
        await socket.next()
        async with alice.instance.easel.database.write() as tx:
            await reblogs.add(tx, alice.account, await tx.get_one(Status, secret.id))
        heard = strictly(await socket.next())
        assert heard.reblog is not None
        assert heard.reblog.id == str(secret.id)


async def test_what_a_post_quotes_is_shown_to_those_alone_who_may_see_it(
    alice: App, bob: App
) -> None:
    """Of one post: bob may see what it quotes, and eve, whom its author blocks, may not."""
    easel = alice.instance.easel
    eve = await App.of(alice.instance, alice.browser, "eve")
    dave = await App.of(alice.instance, alice.browser, "dave")
    quoted = {
        "public": await publish(alice, "open"),
        "private": await publish(alice, "for followers", visibility="private"),
    }
    async with easel.database.write() as tx:
        await blocks.add(tx, alice.account, eve.account)
    for app in (bob, eve):
        await people.follow(easel, app.account, dave.account)
    async with listening(bob, "user") as his, listening(eve, "user") as hers:
        for status in quoted.values():
            async with easel.database.write() as tx:
                quoting = await statuses.publish(tx, dave.account, Draft(text="look"))
                tx.add(
                    Quote(
                        status_id=quoting.id,
                        quoted_uri=status.uri,
                        quoted_id=status.id,
                        state="accepted",
                    )
                )
            seen, unseen = strictly(await his.next()), strictly(await hers.next())
            assert isinstance(seen.quote, entities.Quote)
            assert isinstance(seen.quote.quoted_status, entities.Status)
            assert seen.quote.quoted_status.id == str(status.id)
            assert isinstance(unseen.quote, entities.Quote)
            assert (unseen.quote.state, unseen.quote.quoted_status) == ("unauthorized", None)


async def test_lists_are_heard_by_their_owners(alice: App, bob: App) -> None:
    made = (await bob.post("/api/v1/lists", {"title": "Friends"})).body["id"]
    added = await bob.post(
        f"/api/v1/lists/{made}/accounts", {"account_ids": [str(alice.account.id)]}
    )
    assert added.status == 200
    assert (await alice.get(f"/api/v1/streaming/list?list={made}")).status == 404
    async with (
        listening(bob, "list", list=made) as socket,
        reading(bob, f"list?list={made}") as sent,
    ):
        await publish(bob, "of nobody on it")
        status = await publish(alice, "a fox", visibility="private")
        heard = await socket.next()
        assert (heard.stream, heard.payload["id"]) == (["list", made], str(status.id))
        assert (await sent.next())[1]["id"] == str(status.id)
    async with listening(alice) as hers:
        await hers.say(type="subscribe", stream="list", list=made)
        assert (await hers.raw())["status"] == 404


async def test_conversations_come_by_the_direct_stream(alice: App, bob: App) -> None:
    async with listening(bob, "direct") as socket:
        status = await publish(alice, "@bob psst", visibility="direct")
        heard = await socket.next()
        assert (heard.stream, heard.event) == (["direct"], "conversation")
        found = msgspec.json.decode(AS_JSON(heard.payload), type=entities.Conversation)
        assert isinstance(found.last_status, entities.Status)
        assert (found.last_status.id, found.unread) == (str(status.id), True)
        assert [one.acct for one in found.accounts] == ["alice"]


async def test_filters_are_said_to_those_who_have_them(alice: App, bob: App) -> None:
    carol = await App.of(alice.instance, alice.browser, "carol")
    await people.follow(alice.instance.easel, carol.account, alice.account)
    async with listening(bob, "user") as his, listening(carol, "user") as hers:
        made = await bob.post(
            "/api/v2/filters",
            {
                "title": "Foxes",
                "context": ["home"],
                "keywords_attributes": [{"keyword": "fox"}],
            },
        )
        assert made.status == 200
        await publish(alice, "a fox")
        heard = await his.next()
        assert heard == Heard(["user"], "filters_changed", {})
        while heard.event == "filters_changed":  # once for each keyword
            heard = await his.next()
        filtered = heard.payload["filtered"]
        assert [one["filter"]["title"] for one in filtered] == ["Foxes"]
        assert not (await hers.next()).payload.get("filtered")
        await publish(alice, "a cat")
        assert not (await his.next()).payload.get("filtered")
