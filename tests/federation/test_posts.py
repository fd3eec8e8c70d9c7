"""Posts from elsewhere: taken in, changed and taken back by those whose they are alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from fedi.database.tables import Account
from fedi.social import blocks
from tests.federation import seeing
from tests.federation.peer import PUBLIC, Internet, Person, stamp
from tests.rig import Instance


@pytest.fixture
def mallory(internet: Internet) -> Person:
    return internet.person("mallory", "evil")


@pytest.fixture
def neighbour(internet: Internet) -> Person:
    return internet.person("neighbour")


# ---- Create -------------------------------------------------------------------------------------


async def test_a_post_arrives_with_all_that_it_says(
    instance: Instance, alice: Account, bob: Person
) -> None:
    picture = {
        "type": "Document",
        "mediaType": "image/png",
        "url": f"{bob.origin}/media/1.png",
        "name": "A fox",
        "summary": "A fox",
        "width": 640,
        "height": 480,
        "blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj",
        "focalPoint": [0.5, -0.25],
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    }
    note = bob.note(
        '<p>look <script>alert(1)</script><a href="javascript:x" onclick="y">here</a></p>',
        summary="fox",
        sensitive=True,
        contentMap={"de": "<p>…</p>"},
        tag=[
            {"type": "Mention", "href": alice.uri, "name": "@alice"},
            {"type": "Hashtag", "name": "#Foxes", "href": f"{bob.origin}/tags/foxes"},
        ],
        attachment=[picture],
        cc=[bob.followers, alice.uri],
        url=f"{bob.origin}/@bob/1",
    )
    await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == [note["id"]]
    post = await seeing.seen(instance, None, note["id"])
    assert post is not None
    assert post.account.uri == bob.uri
    assert post.status.visibility == "public"
    assert "look" in post.status.content
    for danger in ("script", "javascript", "onclick"):
        assert danger not in post.status.content
    assert (post.status.spoiler_text, post.status.sensitive) == ("fox", True)
    assert post.status.language == "de"
    assert post.status.url == note["url"]
    assert post.status.ai == "generated"
    assert [tag.name for tag in post.tags] == ["foxes"]
    assert [other.uri for other in post.mentions] == [alice.uri]
    [medium] = post.media
    assert medium.remote_url == picture["url"]
    assert (medium.description, medium.blurhash) == ("A fox", picture["blurhash"])
    assert (medium.width, medium.height) == (640, 480)
    assert (medium.focus_x, medium.focus_y) == (0.5, -0.25)
    assert await seeing.notices(instance, alice) == ["mention"]


@pytest.mark.parametrize(
    ("to", "cc", "visibility"),
    [
        ([PUBLIC], ["{followers}"], "public"),
        (["as:Public"], [], "public"),
        ("Public", [], "public"),
        (["{followers}"], [PUBLIC], "unlisted"),
        (["{followers}"], ["{alice}"], "private"),
        (["{alice}"], [], "direct"),
    ],
)
async def test_addressing_alone_says_who_may_see_it(
    instance: Instance,
    internet: Internet,
    alice: Account,
    bob: Person,
    to: Any,
    cc: list[str],
    visibility: str,
) -> None:
    def real(names: Any) -> Any:
        if isinstance(names, str):
            return names
        return [name.format(followers=bob.followers, alice=alice.uri) for name in names]

    note = bob.note(to=real(to), cc=real(cc))
    await bob.does(instance, bob.create(note))
    post = await seeing.seen(instance, alice, note["id"])
    assert post is not None and post.status.visibility == visibility
    by_nobody = await seeing.seen(instance, None, note["id"])
    assert (by_nobody is not None) == (visibility in {"public", "unlisted"})


async def test_a_post_that_nobody_here_asked_for_is_not_kept(
    instance: Instance, alice: Account, mallory: Person
) -> None:
    note = mallory.note("<p>buy</p>")
    await mallory.does(instance, mallory.create(note))
    assert await seeing.status(instance, note["id"]) is None


async def test_an_answer_to_one_of_ours_is_kept(
    instance: Instance, alice: Account, mallory: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    answer = mallory.note(inReplyTo=uri, tag={"type": "Mention", "href": alice.uri})
    await mallory.does(instance, mallory.create(answer))
    post = await seeing.seen(instance, alice, answer["id"])
    assert post is not None and post.in_reply_to is not None
    assert post.in_reply_to.uri == uri
    mine = await seeing.status(instance, uri)
    assert mine is not None and mine.replies_count == 1
    assert await seeing.notices(instance, alice) == ["mention"]


async def test_a_post_comes_once_however_often_it_is_sent(
    instance: Instance, alice: Account, bob: Person
) -> None:
    note = bob.note(cc=[alice.uri], tag={"type": "Mention", "href": alice.uri})
    for _ in range(3):
        await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == [note["id"]]
    assert await seeing.notices(instance, alice) == ["mention"]
    assert (await seeing.known(instance, bob.uri)).statuses_count == 1


async def test_a_post_of_another_server_or_author_is_refused(
    instance: Instance, internet: Internet, alice: Account, bob: Person, mallory: Person,
    neighbour: Person,
) -> None:  # fmt: skip
    theirs = bob.note("<p>forged</p>")
    unattributed = {**theirs, "attributedTo": None}
    for liar in (mallory, neighbour):
        forged: list[dict[str, Any]] = [
            theirs,
            {**theirs, "attributedTo": liar.uri},
            {**liar.note(), "attributedTo": bob.uri},
            {**theirs, "attributedTo": [liar.uri, bob.uri]},
        ]
        if liar is mallory:
            forged.append(unattributed)
        for note in forged:
            own_id = note["id"].startswith(liar.origin)
            note = {**note, "to": [PUBLIC], "cc": [alice.uri]}
            status = await liar.send(instance, liar.create(note))
            if own_id and note["attributedTo"] in (liar.uri, [liar.uri, bob.uri]):
                continue  # the neighbour's own word about an id of their own server
            assert status in {401, 403}, note
    await instance.run_jobs()
    found = await seeing.seen(instance, alice, theirs["id"])
    assert found is None or found.account.uri == neighbour.uri
    if found is not None:  # the id was free; bob's account says nothing it did not say
        assert await seeing.home(instance, alice) == []


async def test_a_create_of_a_bare_id_is_read_where_it_is(
    instance: Instance, internet: Internet, alice: Account, bob: Person, mallory: Person
) -> None:
    note = bob.note()
    internet.show(note["id"], {"@context": "https://www.w3.org/ns/activitystreams", **note})
    await bob.does(instance, bob.activity("Create", note["id"]))
    assert await seeing.home(instance, alice) == [note["id"]]
    # bob's server may say that a post is at another address: then it is read there
    moved = mallory.note(cc=[alice.uri])
    internet.redirect(f"{bob.origin}/x", moved["id"])
    internet.show(moved["id"], {"@context": "https://www.w3.org/ns/activitystreams", **moved})
    await bob.does(instance, bob.activity("Create", f"{bob.origin}/x"))
    assert await seeing.status(instance, moved["id"]) is None


@pytest.mark.parametrize("kind", ["Create", "Update"])
async def test_a_bare_id_is_not_even_read_if_it_can_concern_nobody_here(
    instance: Instance, internet: Internet, alice: Account, mallory: Person, kind: str
) -> None:
    notes = [mallory.note(cc=[alice.uri]) for _ in range(3)]
    for note in notes:
        internet.show(note["id"], {"@context": "https://www.w3.org/ns/activitystreams", **note})
    unheard, nobodys, addressed = (note["id"] for note in notes)
    await mallory.does(instance, mallory.activity(kind, unheard))
    strangers = [PUBLIC, mallory.followers, f"{mallory.uri}x", f"{instance.url}/users/nobody"]
    await mallory.does(instance, mallory.activity(kind, nobodys, to=strangers))
    assert internet.asked[unheard] == internet.asked[nobodys] == 0
    # who is named in the activity is asked for, and is told
    await mallory.does(instance, mallory.activity(kind, addressed, to=[PUBLIC], cc=[alice.uri]))
    assert internet.asked[addressed] == 1
    assert await seeing.status(instance, addressed) is not None


async def test_ids_that_only_look_alike_are_other_ids(
    instance: Instance, alice: Account, bob: Person, mallory: Person
) -> None:
    host = bob.host
    for fake in (
        f"http://{host}@{mallory.host}/n/1",
        f"http://user:{host}@{mallory.host}/n/1",
        f"http://{mallory.host}\\@{host}/n/1",
        f"http://{host}%2f@{mallory.host}/n/1",
        f"http://{host}.{mallory.host}/n/1",
        f"https://{host}/n/1",
    ):
        note = mallory.note(id=fake, cc=[alice.uri])
        assert await mallory.send(instance, mallory.create(note)) in {400, 403}, fake
    await instance.run_jobs()
    assert await seeing.jobs(instance) == []


async def test_who_is_blocked_reaches_nobody(
    instance: Instance, alice: Account, mallory: Person
) -> None:
    uri = await seeing.publish(instance, alice)
    await mallory.does(instance, mallory.activity("Follow", alice.uri))
    async with instance.easel.database.write() as tx:
        await blocks.add(tx, alice, await seeing.known(instance, mallory.uri))
    note = mallory.note(inReplyTo=uri, cc=[alice.uri], tag={"type": "Mention", "href": alice.uri})
    await mallory.does(instance, mallory.create(note))
    await mallory.does(instance, mallory.activity("Like", uri))
    await mallory.does(instance, mallory.activity("Announce", uri, to=[PUBLIC]))
    mine = await seeing.status(instance, uri)
    assert mine is not None
    assert (mine.favourites_count, mine.reblogs_count) == (0, 0)
    assert await seeing.notices(instance, alice) == []
    assert await seeing.home(instance, alice) == [uri]


# ---- the beginnings of threads ------------------------------------------------------------------


async def test_what_an_answer_answers_is_fetched_and_put_before_nobody(
    instance: Instance, internet: Internet, alice: Account, bob: Person, neighbour: Person
) -> None:
    root = neighbour.note("<p>root</p>")
    middle = neighbour.note("<p>middle</p>", inReplyTo=root["id"], cc=[alice.uri],
                            tag={"type": "Mention", "href": alice.uri})  # fmt: skip
    for note in (root, middle):
        internet.show(note["id"], {"@context": "https://www.w3.org/ns/activitystreams", **note})
    answer = bob.note(inReplyTo=middle["id"])
    await bob.does(instance, bob.create(answer))
    post = await seeing.seen(instance, alice, answer["id"])
    assert post is not None and post.in_reply_to is not None
    assert post.in_reply_to.uri == middle["id"]
    parent = await seeing.seen(instance, alice, middle["id"])
    assert parent is not None and parent.in_reply_to is not None
    assert parent.in_reply_to.uri == root["id"]
    assert set(await seeing.home(instance, alice)) <= {answer["id"]}
    assert await seeing.notices(instance, alice) == []


async def test_an_endless_thread_is_followed_only_so_far(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    chain = [bob.note(f"<p>{n}</p>") for n in range(60)]
    for note, above in zip(chain, [*chain[1:], chain[0]], strict=True):
        note["inReplyTo"] = above["id"]
        internet.show(note["id"], {"@context": "https://www.w3.org/ns/activitystreams", **note})
    await bob.does(instance, bob.create(chain[0]))
    fetched = [note for note in chain if internet.asked[note["id"]]]
    assert 5 <= len(fetched) <= 25
    assert await seeing.jobs(instance) == []


@pytest.mark.parametrize("loop", ["itself", "each other"])
async def test_a_thread_that_bites_its_tail_ends(
    instance: Instance, internet: Internet, alice: Account, bob: Person, loop: str
) -> None:
    first, second = bob.note(), bob.note()
    first["inReplyTo"] = first["id"] if loop == "itself" else second["id"]
    second["inReplyTo"] = first["id"]
    for note in (first, second):
        internet.show(note["id"], {"@context": "https://www.w3.org/ns/activitystreams", **note})
    await bob.does(instance, bob.create(first))
    assert await seeing.jobs(instance) == []
    assert sum(internet.asked[note["id"]] for note in (first, second)) <= 2


async def test_a_parent_that_cannot_be_had_is_left(
    instance: Instance, internet: Internet, alice: Account, bob: Person
) -> None:
    answer = bob.note(inReplyTo=f"{bob.origin}/private")
    await bob.does(instance, bob.create(answer))
    assert await seeing.seen(instance, alice, answer["id"]) is not None
    assert await seeing.jobs(instance) == []


async def test_a_parent_is_not_asked_for_before_its_server_says_so(
    instance: Instance, internet: Internet, bob: Person
) -> None:
    """Retry-After holds for what is read, as it does for what is delivered."""
    url = f"{bob.origin}/busy"
    busy = {"Retry-After": "3600"}
    internet.pages[url] = lambda _: web.Response(status=429, headers=busy)
    await bob.does(instance, bob.create(bob.note(inReplyTo=url)))
    for minutes, asked in ((0, 1), (59, 1), (2, 2)):
        instance.clock.advance(timedelta(minutes=minutes))
        await instance.run_jobs()
        assert internet.asked[url] == asked


# ---- Update -------------------------------------------------------------------------------------


@pytest.fixture
async def note(instance: Instance, alice: Account, bob: Person) -> dict[str, Any]:
    """A post of bob's that has arrived."""
    note = bob.note("<p>first</p>")
    await bob.does(instance, bob.create(note))
    return note


def later(instance: Instance, minutes: int = 1) -> str:
    return stamp(instance.clock.now() + timedelta(minutes=minutes))


async def test_an_edit_of_the_authors_is_taken(
    instance: Instance, alice: Account, bob: Person, note: dict[str, Any]
) -> None:
    edited = {**note, "content": "<p>second</p>", "updated": later(instance), "to": [bob.followers]}
    instance.clock.advance(timedelta(minutes=5))
    await bob.does(instance, bob.activity("Update", edited))
    post = await seeing.seen(instance, None, note["id"])  # an edit changes nobody's right to see
    assert post is not None
    assert post.status.content == "<p>second</p>"
    assert post.status.edited_at is not None
    older = {**note, "content": "<p>between</p>", "updated": note["published"]}
    await bob.does(instance, bob.activity("Update", older))
    post = await seeing.seen(instance, None, note["id"])
    assert post is not None and post.status.content == "<p>second</p>"
    assert await seeing.home(instance, alice) == [note["id"]]


async def test_nobody_edits_anothers_post(
    instance: Instance, internet: Internet, alice: Account, bob: Person, mallory: Person,
    neighbour: Person, note: dict[str, Any],
) -> None:  # fmt: skip
    instance.clock.advance(timedelta(minutes=5))
    edited = {**note, "content": "<p>forged</p>", "updated": later(instance, -1)}
    for liar in (mallory, neighbour):
        await liar.send(instance, liar.activity("Update", edited))
        await liar.send(instance, liar.activity("Update", {**edited, "attributedTo": liar.uri}))
        await liar.send(instance, liar.activity("Update", edited, actor=bob.uri))
        await liar.send(instance, liar.activity("Update", note["id"]))
    await instance.run_jobs()
    post = await seeing.seen(instance, None, note["id"])
    assert post is not None
    assert (post.status.content, post.account.uri) == ("<p>first</p>", bob.uri)


@pytest.mark.parametrize(
    "changes", [{"attributedTo": "neighbour"}, {"type": "Article"}, {"attributedTo": None}]
)
async def test_an_edit_changes_neither_author_nor_type(
    instance: Instance, bob: Person, neighbour: Person, note: dict[str, Any],
    changes: dict[str, Any],
) -> None:  # fmt: skip
    instance.clock.advance(timedelta(minutes=5))
    if changes.get("attributedTo"):
        changes = {"attributedTo": neighbour.uri}
    edited = {**note, "content": "<p>x</p>", "updated": later(instance, -1), **changes}
    await bob.send(instance, bob.activity("Update", edited))
    await instance.run_jobs()
    status = await seeing.status(instance, note["id"])
    assert status is not None
    assert status.object_type == "Note"
    assert status.content == "<p>first</p>"
    assert status.account_id == (await seeing.known(instance, bob.uri)).id


async def test_an_edit_that_comes_before_its_post_is_taken_for_it(
    instance: Instance, alice: Account, bob: Person
) -> None:
    note = bob.note("<p>tyop</p>", to=[PUBLIC, alice.uri])
    edited = {**note, "content": "<p>typo</p>", "updated": later(instance)}
    await bob.does(instance, bob.activity("Update", edited))
    await bob.does(instance, bob.create(note))
    status = await seeing.status(instance, note["id"])
    assert status is not None and status.content == "<p>typo</p>"


async def test_an_edit_of_what_nobody_here_asked_for_or_of_something_old_is_nothing(
    instance: Instance, bob: Person, mallory: Person
) -> None:
    strange = mallory.note(updated=later(instance))
    old = bob.note(published=later(instance, -2 * 24 * 60), updated=later(instance))
    for person, note in ((mallory, strange), (bob, old)):
        await person.does(instance, person.activity("Update", note))
        assert await seeing.status(instance, note["id"]) is None


async def test_a_profile_is_read_again_where_it_is(
    instance: Instance, internet: Internet, bob: Person, mallory: Person, neighbour: Person
) -> None:
    internet.show(bob.uri, bob.document(name="Bobby", summary="<p>hi<script>x</script></p>"))
    lie = bob.document(name="Not so")
    for liar in (mallory, neighbour):
        await liar.send(instance, liar.activity("Update", lie))
    await instance.run_jobs()
    assert (await seeing.known(instance, bob.uri)).display_name == "Bob"
    await bob.does(instance, bob.activity("Update", lie))
    account = await seeing.known(instance, bob.uri)
    assert account.display_name == "Bobby"
    assert "script" not in account.note


# ---- Delete -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["id", "tombstone"])
async def test_a_post_is_taken_back_and_its_id_stays_dead(
    instance: Instance, alice: Account, bob: Person, note: dict[str, Any], form: str
) -> None:
    stone = {"id": note["id"], "type": "Tombstone"}
    await bob.does(instance, bob.activity("Delete", note["id"] if form == "id" else stone))
    assert await seeing.seen(instance, alice, note["id"]) is None
    assert await seeing.home(instance, alice) == []
    dead = await seeing.status(instance, note["id"])
    assert dead is not None and dead.content == ""
    await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == []


async def test_a_delete_that_overtakes_its_post_wins(
    instance: Instance, alice: Account, bob: Person
) -> None:
    note = bob.note()
    await bob.does(instance, bob.activity("Delete", note["id"]))
    await bob.does(instance, bob.create(note))
    assert await seeing.home(instance, alice) == []


async def test_nobody_deletes_anothers_post(
    instance: Instance, alice: Account, bob: Person, mallory: Person, neighbour: Person,
    note: dict[str, Any],
) -> None:  # fmt: skip
    coming = bob.note()
    mine = await seeing.publish(instance, alice)
    for liar in (mallory, neighbour):
        for uri in (note["id"], coming["id"], mine):
            await liar.send(instance, liar.activity("Delete", uri))
            await liar.send(instance, liar.activity("Delete", uri, actor=bob.uri))
            stone = {"id": uri, "type": "Tombstone", "attributedTo": liar.uri}
            await liar.send(instance, liar.activity("Delete", stone))
    await instance.run_jobs()
    await bob.does(instance, bob.create(coming))
    assert set(await seeing.home(instance, alice)) == {note["id"], coming["id"], mine}


async def test_somebody_who_is_gone_is_forgotten(
    instance: Instance, internet: Internet, alice: Account, bob: Person, note: dict[str, Any]
) -> None:
    await bob.does(instance, bob.activity("Follow", alice.uri))
    await bob.does(instance, bob.activity("Delete", bob.uri, to=[PUBLIC]))
    gone = await seeing.known(instance, bob.uri)
    assert gone.deleted_at is not None
    assert await seeing.home(instance, alice) == []
    assert await seeing.followers(instance, alice) == []
    assert await seeing.following(instance, alice) == []
    # and stays so
    await bob.send(instance, bob.activity("Follow", alice.uri))
    await instance.run_jobs()
    assert await seeing.followers(instance, alice) == []


@pytest.mark.parametrize(("answer", "forgotten"), [(410, True), (404, False), (500, False)])
async def test_an_actor_whose_key_is_gone_is_gone_only_if_their_server_says_410(
    instance: Instance, internet: Internet, alice: Account, bob: Person, answer: int,
    forgotten: bool,
) -> None:  # fmt: skip
    key_id = f"{bob.uri}/another-key"
    for url in (bob.uri, key_id):
        internet.fail(url, answer)
    status = await bob.send(instance, bob.activity("Delete", bob.uri), key_id=key_id)
    assert status == (202 if forgotten else 503 if answer == 500 else 401)
    await instance.run_jobs()
    assert ((await seeing.known(instance, bob.uri)).deleted_at is not None) == forgotten


async def test_a_key_that_is_gone_elsewhere_deletes_nobody(
    instance: Instance, internet: Internet, alice: Account, bob: Person, mallory: Person,
    neighbour: Person,
) -> None:  # fmt: skip
    for liar in (mallory, neighbour):
        internet.fail(f"{liar.origin}/gone", 410)
        deletion = liar.activity("Delete", bob.uri, actor=bob.uri, id=bob.new_id())
        assert await liar.send(instance, deletion, key_id=f"{liar.origin}/gone#main-key") == 401
    await instance.run_jobs()
    assert (await seeing.known(instance, bob.uri)).deleted_at is None
