"""Nobody may train on a picture unless its author said so, and the file says which it is."""

from __future__ import annotations

from datetime import UTC, datetime

from fedi.database.tables import Account, MediaAttachment, Painting
from fedi.social import profiles, seals
from fedi.social.profiles import Changes
from fedi.studio import media
from generation import credentials, provenance
from generation.recipe import Recipe
from tests.rig import Instance
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "zQm" + "1" * 44


async def said(instance: Instance, author: Account) -> tuple[str, str]:
    """What the file of a picture that is painted now says of training: its XMP, its credentials."""
    easel = instance.easel
    painting = await ask(easel, author)
    async with connected(instance) as card:
        given = await card.given()
        async with reaches(easel, painting, "done"):
            await card.finish(given)
    done = await look(easel, painting)
    async with easel.database.read() as session:
        medium = await session.get_one(MediaAttachment, done.media_id)
        authority = await seals.authority(session)
    assert authority is not None and medium.file is not None
    content = b"".join([piece async for piece in easel.storage.stream(medium.file)])
    manifest = credentials.read(content, medium.media_type, {"here": authority})
    assert (manifest.state, manifest.vouched) == ("valid", "here")
    return provenance.read(content).mining, manifest.training


async def test_a_file_says_what_its_author_allowed_when_it_was_painted(instance: Instance) -> None:
    easel = instance.easel
    no, yes = (provenance.NO_TRAINING, "notAllowed"), (provenance.MINING_ALLOWED, "allowed")
    author = await account(easel, "alice")
    assert await said(instance, author) == no
    for training, wanted in ((True, yes), (False, no)):
        async with easel.database.write() as tx:
            row = await tx.get_one(Account, author.id)
            await profiles.change(tx, row, Changes(training=training))
        assert await said(instance, author) == wanted


async def test_what_began_with_another_picture_is_not_its_authors_alone_to_give() -> None:
    yes, words = Account(username="alice", training_consent_at=NOW), Recipe(prompt="fog")
    begun = Recipe(prompt="fog", source=DIGEST)
    for author, recipe, based_on, may in (
        (yes, words, None, True),
        (yes, begun, None, False),
        (yes, words, "https://other.example/1", False),
        (Account(username="bob"), words, None, False),
    ):
        painting = Painting(account_id=1, based_on_uri=based_on)
        assert media.may_be_trained_on(author, painting, recipe) is may
        assert not media.may_be_trained_on(author, painting, recipe, said=False)
