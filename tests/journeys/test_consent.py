"""Consent over two servers: what somebody on one of them allows and takes back. The other one,
which has their pictures too, never gives them away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from activitypub.context import ACTIVITY_JSON
from tests.api.test_dataset import grant, listening
from tests.journeys.people import Person
from tests.journeys.test_two_servers import settle
from tests.rig import Instance
from tests.studio.dataset.giving import consent, export, proven, read
from tests.web import hanging


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_what_is_taken_back_is_given_away_by_neither_server(
    two_instances: tuple[Instance, Instance],
    browser: aiohttp.ClientSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fedi.api.easel.dataset.PAUSE_S", 0.1)
    a, b = two_instances
    alice, bob = await Person.join(a, "alice"), await Person.join(b, "bob")
    await bob.follow(alice)
    await settle(a, b)
    authors = await alice.account(), await bob.account()
    first = await hanging.hang(a, authors[0], text="of alice")
    of_bob = await hanging.hang(b, authors[1], text="of bob")
    await settle(a, b)
    assert first.uri in await bob.home_uris()

    async def signals() -> Any:
        async with browser.get(alice.uri, headers={"Accept": ACTIVITY_JSON}) as answer:
            return (await answer.json(content_type=None)).get("xRobotsTag")

    async def both(name: str) -> list[list[str]]:
        """The posts that each of the servers gives away now."""
        found = []
        for instance in (a, b):
            folder = tmp_path / f"{name}-{instance.domain}"
            await export(instance, folder, recipient="Example Lab")
            found.append([str(said["url"]) for said in read(folder).values()])
        return found

    assert await signals() is not None
    for instance, author in zip((a, b), authors, strict=True):
        await consent(instance, author, credit="name")
    await settle(a, b)
    assert await signals() is None
    # Her pictures are on both servers; only her own may give them away.
    assert await both("first") == [[first.url], [of_bob.url]]
    _, token_a = await grant(a)
    _, token_b = await grant(b)
    async with listening(a, browser, token_a) as at_a, listening(b, browser, token_b) as at_b:
        kind, said = await at_a.next()
        assert (kind, said["url"]) == ("item", first.url)
        assert (await at_b.next())[1]["url"] == of_bob.url

        a.clock.advance(timedelta(hours=1))
        await consent(a, authors[0], False)
        kind, withdrawn = await at_a.next()
        assert (kind, withdrawn["key"], withdrawn["reason"]) == (
            "withdrawn",
            said["key"],
            "account",
        )
        # What she posts from now on goes to bob, and into neither stream.
        second = await hanging.hang(a, authors[0], text="again of alice")
        await settle(a, b)
        assert second.uri in await bob.home_uris()
        third = await hanging.hang(b, authors[1], text="again of bob")
        assert (await at_b.next())[1]["url"] == third.url
        await consent(a, authors[0])
        assert {(await at_a.next())[1]["url"] for _ in range(2)} == {first.url, second.url}
        await consent(a, authors[0], False)
    await settle(a, b)
    assert await signals() is not None

    later = await both("later")
    assert later[0] == [] and set(later[1]) == {of_bob.url, third.url}
    # The list that her server signs names what went out, and the other's has nothing of hers.
    listed = {}
    for instance in (a, b):
        async with browser.get(f"{instance.url}/api/easel/v1/dataset/withdrawn") as answer:
            document = await proven(instance, browser, await answer.read())
        assert document is not None
        listed[instance.url] = {item["key"] for item in document["withdrawn"]["items"]}
    [exported] = read(tmp_path / f"first-{a.domain}")
    assert {exported, said["key"]} <= listed[a.url] and listed[b.url] == set()
