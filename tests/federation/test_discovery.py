"""How we are found: WebFinger, host-meta, NodeInfo."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from activitypub import webfinger
from fedi.database.tables import Account
from fedi.federation import discovery
from fedi.social import accounts
from tests.federation import seeing
from tests.federation.peer import ACTIVITY_JSON, Internet
from tests.rig import Instance

Browser = aiohttp.ClientSession
FINGER = "/.well-known/webfinger"


async def get(browser: Browser, url: str) -> tuple[int, Any, dict[str, str]]:
    async with browser.get(URL(url, encoded=True), allow_redirects=False) as answer:
        json = "json" in answer.headers.get("Content-Type", "")
        body = await answer.json(content_type=None) if json else await answer.text()
        return answer.status, body, dict(answer.headers)


@pytest.mark.parametrize(
    "resource",
    ["acct:alice@{domain}", "alice@{domain}", "acct:ALICE@{DOMAIN}", "acct:%40alice%40{domain}",
     "acct%3Aalice%40{domain}", "{url}/users/alice", "{url}/@alice"],
)  # fmt: skip
async def test_somebody_is_found(
    instance: Instance, browser: Browser, alice: Account, resource: str
) -> None:
    domain = instance.domain
    wanted = resource.format(domain=domain, DOMAIN=domain.upper(), url=instance.url)
    status, found, headers = await get(browser, f"{instance.url}{FINGER}?resource={wanted}")
    assert status == 200
    assert headers["Content-Type"].startswith("application/jrd+json")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert found["subject"] == f"acct:alice@{domain}"
    links = {link["rel"]: link for link in found["links"]}
    assert links["self"] == {"rel": "self", "type": ACTIVITY_JSON, "href": alice.uri}
    assert alice.uri in found["aliases"]


@pytest.mark.parametrize("resource", ["acct:{domain}@{domain}", "{url}", "{url}/", "{url}/actor"])
async def test_the_instance_itself_is_found(
    instance: Instance, browser: Browser, resource: str
) -> None:
    wanted = resource.format(domain=instance.domain, url=instance.url)
    status, found, _ = await get(browser, f"{instance.url}{FINGER}?resource={wanted}")
    assert status == 200
    assert found["subject"] == f"acct:{instance.domain}@{instance.domain}"
    links = {link["rel"]: link for link in found["links"]}
    assert links["self"]["href"] == f"{instance.url}/actor"
    assert links["https://www.w3.org/ns/activitystreams#Service"] == {
        **links["self"], "rel": "https://www.w3.org/ns/activitystreams#Service"
    }  # fmt: skip
    assert not any("fep/3b86" in link["rel"] for link in found["links"])


@pytest.mark.parametrize(
    "resource",
    ["acct:nobody@{domain}", "acct:alice@other.example", "acct:alice@evil.{domain}",
     "https://other.example/@alice", "{url}/@nobody", "{url}/users/alice/outbox", "{url}.evil/x",
     "acct:bob@peer.example"],
)  # fmt: skip
async def test_who_is_not_here_is_not_found(
    instance: Instance, browser: Browser, alice: Account, resource: str
) -> None:
    wanted = resource.format(domain=instance.domain, url=instance.url)
    status, answer, _ = await get(browser, f"{instance.url}{FINGER}?resource={wanted}")
    assert status == 404 and answer["error"]


@pytest.mark.parametrize(
    "query",
    ["", "?", "?resource=", "?resource=%00%ff", "?resource=%ff", "?resource=%00",
     "?resource=nonsense", "?resource=acct:", "?resource=acct:@", "?resource=acct:a@",
     "?resource=acct:a%20b@c", "?resource=a@b&resource=c@d", "?resource=" + "a" * 5000],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_400(
    instance: Instance, browser: Browser, alice: Account, query: str
) -> None:
    status, answer, _ = await get(browser, f"{instance.url}{FINGER}{query}")
    assert status == 400 and answer["error"]


async def test_who_is_deleted_and_who_lives_elsewhere_are_not_found(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    bob = internet.person("bob")
    await bob.does(instance, bob.activity("Follow", alice.uri))
    async with instance.easel.database.write() as tx:
        account = await accounts.find_local(tx, "alice")
        assert account is not None
        await accounts.delete_account(tx, account)
    for resource in (f"acct:alice@{instance.domain}", f"acct:{bob.handle}", bob.uri):
        status, _, _ = await get(browser, f"{instance.url}{FINGER}?resource={resource}")
        assert status == 404


async def test_host_meta_leads_to_webfinger(instance: Instance, browser: Browser) -> None:
    status, xrd, headers = await get(browser, f"{instance.url}/.well-known/host-meta")
    assert status == 200
    assert headers["Content-Type"].startswith("application/xrd+xml")
    assert f'template="{instance.url}{FINGER}?resource={{uri}}"' in xrd


async def test_host_meta_says_the_same_as_json(instance: Instance, browser: Browser) -> None:
    status, jrd, headers = await get(browser, f"{instance.url}/.well-known/host-meta.json")
    assert status == 200
    assert headers["Content-Type"].startswith("application/jrd+json")
    assert headers["Access-Control-Allow-Origin"] == "*"
    [link] = jrd["links"]
    assert (link["rel"], link["type"]) == ("lrdd", "application/jrd+json")
    acct = f"acct:alice@{instance.domain}"
    assert link["template"].replace("{uri}", acct) == f"{instance.url}{FINGER}?resource={acct}"


async def test_what_can_be_done_here_is_a_page(
    instance: Instance, internet: Internet, browser: Browser, alice: Account
) -> None:
    wanted = f"{instance.url}{FINGER}?resource=acct:alice@{instance.domain}"
    _, found, _ = await get(browser, wanted)
    intents = {
        link["rel"].removeprefix("https://w3id.org/fep/3b86/"): link["template"]
        for link in found["links"]
        if "fep/3b86" in link["rel"]
    }
    assert set(intents) == set(discovery.INTENTS)
    uri = await seeing.publish(instance, alice)
    hidden = await seeing.publish(instance, alice, visibility="private")
    bob = internet.person("bob")

    async def opened(template: str, uri: str) -> tuple[int, Any, dict[str, str]]:
        return await get(browser, template.replace("{object}", quote(uri, safe="")))

    [old] = [link["template"] for link in found["links"] if link["rel"] == webfinger.SUBSCRIBE]
    assert old == f"{instance.url}/authorize_interaction?uri={{uri}}"
    template = intents.pop("Object")
    for thing in (uri, alice.uri):
        status, _, headers = await opened(template, thing)
        assert (status, headers["Location"][: len(alice.url)]) == (302, alice.url)
    for thing in (hidden, f"{instance.url}/actor", f"{alice.uri}/statuses/1"):
        assert (await opened(template, thing))[0] == 404
    status, page, headers = await opened(template, f'{bob.uri}/"><script>')
    assert status == 200 and "Location" not in headers  # nobody is sent on unasked
    assert bob.host in page and "<script>" not in page
    for thing in ("", "x", "javascript:alert(1)", "https://user@host/", "acct:a@b"):
        assert (await opened(template, thing))[0] == 400
    for template in intents.values():  # what changes something is for who is signed in
        status, _, headers = await opened(template, bob.uri)
        assert status == 303 and headers["Location"].startswith("/sign-in?next=/intents/")
    assert internet.asked.total() == 0


async def test_an_actor_says_what_its_software_can_do(
    instance: Instance, browser: Browser, alice: Account
) -> None:
    for uri in (alice.uri, f"{instance.url}/actor"):
        async with browser.get(uri, headers={"Accept": ACTIVITY_JSON}) as answer:
            actor = await answer.json(content_type=None)
        [capability] = actor["generator"]["implements"]
        assert capability["href"] == "https://datatracker.ietf.org/doc/html/rfc9421"
        assert capability["name"]
        assert actor["webfinger"].endswith(f"@{instance.domain}")
        assert actor["indexable"] is False


@pytest.mark.parametrize("version", ["2.0", "2.1"])
async def test_nodeinfo_counts_who_is_here_and_what_all_may_see(
    instance: Instance, internet: Internet, browser: Browser, alice: Account, version: str
) -> None:
    bob = internet.person("bob")
    asked = await seeing.follow(instance, alice, bob.handle)
    await bob.does(instance, bob.activity("Accept", asked))
    await bob.does(instance, bob.create(bob.note()))
    await seeing.publish(instance, alice)
    await seeing.publish(instance, alice, visibility="private")
    status, links, _ = await get(browser, f"{instance.url}/.well-known/nodeinfo")
    assert status == 200
    by_rel = {link["rel"]: link["href"] for link in links["links"]}
    schema = f"http://nodeinfo.diaspora.software/ns/schema/{version}"
    status, found, headers = await get(browser, by_rel[schema])
    assert status == 200
    assert headers["Content-Type"] == f'application/json; profile="{schema}#"'
    assert found["version"] == version
    assert found["software"]["name"] == "easel"
    assert found["protocols"] == ["activitypub"]
    assert found["usage"]["users"] == {"total": 1, "activeMonth": 1, "activeHalfyear": 1}
    assert found["usage"]["localPosts"] == 1


async def test_there_is_no_other_nodeinfo(instance: Instance, browser: Browser) -> None:
    status, answer, _ = await get(browser, f"{instance.url}/nodeinfo/1.0")
    assert status == 404 and answer["error"]
