"""Nothing that an account had painted, or waited for, outlives it."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import select

from fedi.database.tables import Account, MediaAttachment, Status
from fedi.social import accounts
from fedi.social.statuses import Draft
from generation.protocol import Cancel, Judgement
from tests import rig
from tests.studio.asking import account, ask, look, reaches
from tests.studio.easel_painter import connected


def files(instance: rig.Instance) -> list[Path]:
    folder = instance.easel.settings.media.folder
    return [path for path in folder.rglob("*") if path.is_file()]


async def delete(instance: rig.Instance, who: Account) -> None:
    async with instance.easel.database.write() as tx:
        await accounts.delete_account(tx, await tx.get_one(Account, who.id))


async def test_all_pictures_of_a_deleted_account_go(
    new_database: rig.NewDatabase, tmp_path: Path
) -> None:
    safety = {"review_at": 0.6}
    async with rig.serve_instance(tmp_path, new_database(), safety=safety) as instance:
        easel = instance.easel
        alice, bob = await account(easel, "alice"), await account(easel, "bob")
        async with connected(instance) as card:
            # One is posted, one waits for a moderator, one is being painted, one has its turn yet.
            shown = await ask(easel, alice, "a secret", draft=Draft(text="x"))
            async with reaches(easel, shown, "done"):
                await card.finish(await card.given(), judgement=Judgement(score=0.1))
            held = await ask(easel, alice, "a secret", description="my secret")
            async with reaches(easel, held, "review"):
                await card.finish(await card.given(), judgement=Judgement(score=0.7))
            begun = await ask(easel, alice, "a secret", draft=Draft(text="my secret"))
            given = await card.given()
            waiting = await ask(easel, alice, "a secret")
            others = await ask(easel, bob)
            assert len(files(instance)) == 4
            await delete(instance, alice)
            await instance.run_jobs()
            assert files(instance) == []
            assert await card.hear() == Cancel(painting=str(begun.id))
            await card.finish(given, judgement=Judgement(score=0.1))
            async with reaches(easel, others, "done"):
                await card.finish(await card.given(), judgement=Judgement(score=0.1))
        assert len(files(instance)) == 2  # Bob's
        for painting in (shown, held, begun, waiting):
            row = await look(easel, painting)
            assert row.state == ("done" if painting is shown else "cancelled")
            assert "secret" not in str(row.model_dump()) and row.held is None


async def test_what_is_painted_while_its_author_goes_is_not_kept(instance: rig.Instance) -> None:
    easel = instance.easel
    alice = await account(easel, "alice")
    async with connected(instance) as card:
        begun = await ask(easel, alice, draft=Draft(text="x"))
        given = await card.given()
        await delete(instance, alice)  # and the painter is quicker than the job
        async with reaches(easel, begun, "cancelled"):
            await card.finish(given)
        await rig.until(lambda: files(instance) == [])
    await instance.run_jobs()
    async with easel.database.read() as session:
        for table in (MediaAttachment, Status):
            assert (await session.exec(select(table))).all() == []
