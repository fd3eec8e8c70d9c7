"""`easel dataset`: giving away, listing, letting listen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fedi.database.tables import Account, MediaAttachment
from fedi.social.training import choices
from fedi.storage import new_key
from tests import rig
from tests.social import people
from tests.studio.dataset.giving import read
from tests.web.hanging import png


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
async def test_a_dataset_is_given_away_and_what_is_withdrawn_of_it_listed(
    new_database: rig.NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")  # nothing is cut off
    server = rig.ServerProcess(tmp_path, database={"url": new_database()})
    assert "Nothing was given away yet." in await server.easel("dataset", "exports")
    async with rig.opened(server.settings) as easel:
        alice = await people.local(easel, "alice")
        key = new_key("png")
        await easel.storage.put(key, png())
        medium = await people.picture(easel, alice, file=key)
        await people.publish(easel, alice, "Look", media_ids=[medium])
        async with easel.database.write() as tx:
            await choices.consent(tx, await tx.get_one(Account, alice.id), True)
    out = tmp_path / "out"
    told = await server.easel("dataset", "export", str(out), "--for", "a [bold]test", "--to", "Lab")
    number = told.split()[1].rstrip(":")
    assert "1 pictures" in told and f"withdrawn?since={number}" in told
    [called] = read(out)
    assert called != str(medium)
    listed = await server.easel("dataset", "exports")
    assert number in listed and "Lab" in listed
    granted = await server.easel("dataset", "grant", "Lab", "--for", "a test")
    assert "/api/easel/v1/dataset/stream" in granted and len(granted.splitlines()[1]) > 30
    assert "Lab" in await server.easel("dataset", "grants")
    assert "hears nothing" in await server.easel("dataset", "revoke", "Lab")
    async with rig.opened(server.settings) as easel:
        async with easel.database.write() as tx:
            await choices.consent(tx, await tx.get_one(Account, alice.id), False)
        async with easel.database.read() as session:
            assert await session.get(MediaAttachment, medium) is not None
    page = json.loads(await server.easel("dataset", "withdrawn", "--since", number))
    assert [item["key"] for item in page["withdrawn"]["items"]] == [called]
    assert page["proof"]["cryptosuite"] == "eddsa-jcs-2022"
    assert "Gave" not in (done := await server.easel("audit")) and "dataset.export" in done
