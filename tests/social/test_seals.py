"""The certificates of an instance: made once, renewed in time, shown without their keys."""

from __future__ import annotations

import json
from datetime import timedelta

import aiohttp
from cryptography import x509
from sqlmodel import select

from fedi.database.tables import InstanceSecret
from fedi.runtime import Easel
from fedi.social import seals
from generation import certificates
from tests.rig import Instance

DAY = timedelta(days=1)


async def test_they_are_made_once(easel: Easel) -> None:
    async with easel.database.read() as session:
        assert await seals.authority(session) is None
    first = await seals.of(easel)
    assert await seals.of(easel) is first
    async with easel.database.write() as tx:  # as another process would
        assert await seals.ensure(tx) == first
    leaf, above = x509.load_pem_x509_certificates(first.certificate.encode())
    leaf.verify_directly_issued_by(above)
    assert certificates.name_of(first.certificate) == easel.settings.instance.domain


async def test_a_leaf_is_renewed_before_its_year_is_over(easel: Easel) -> None:
    first = await seals.of(easel)
    async with easel.database.read() as session:
        authority = await seals.authority(session)
    clock = easel.clock
    clock.advance(certificates.LEAF_SIGNS - certificates.RENEWED_BEFORE - DAY)  # type: ignore[attr-defined]
    assert await seals.of(easel) is first
    clock.advance(2 * DAY)  # type: ignore[attr-defined]
    second = await seals.of(easel)
    assert second.certificate != first.certificate and second.key != first.key
    assert await seals.of(easel) is second
    async with easel.database.read() as session:
        assert await seals.authority(session) == authority
        rows = (await session.exec(select(InstanceSecret))).all()
    assert sorted(row.name for row in rows) == [seals.AUTHORITY, seals.LEAF]
    old, _ = x509.load_pem_x509_certificates(first.certificate.encode())
    new, above = x509.load_pem_x509_certificates(second.certificate.encode())
    new.verify_directly_issued_by(above)
    old.verify_directly_issued_by(above)  # what it signed still holds
    assert old.not_valid_after_utc > clock.now() + 10 * certificates.LEAF_SIGNS


async def test_everybody_can_read_the_authority_and_nobody_its_key(
    instance: Instance, browser: aiohttp.ClientSession
) -> None:
    async with browser.get(f"{instance.url}{seals.PATH}") as answer:
        assert (answer.status, answer.content_type) == (200, "application/x-pem-file")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        pem = await answer.text()
    assert certificates.checked_authority(pem) == pem
    assert certificates.name_of(pem) == instance.domain and "PRIVATE" not in pem
    async with browser.get(f"{instance.url}/nodeinfo/2.1") as answer:
        document = json.loads(await answer.text())
    assert document["metadata"]["contentCredentials"] == f"{instance.url}{seals.PATH}"
