"""What is signed besides: headers of our own, by either scheme."""

from __future__ import annotations

import msgspec
import pytest

from activitypub.signatures import Reason, Refused, Request, Scheme, Signer, Verified
from tests.activitypub.signatures.conftest import BODY, KEY_ID, NOW, Keyring

NAME = "Collection-Synchronization"


@pytest.mark.parametrize("scheme", list(Scheme))
async def test_extra_headers_are_sent_and_signed(
    pair: tuple[str, str], keyring: Keyring, scheme: Scheme
) -> None:
    extra = {NAME: 'collectionId="https://a.example/f", digest="00"'}
    signer = Signer(KEY_ID, pair[0])
    sent = signer.sign("POST", "https://b.example/inbox", BODY, NOW, scheme, extra=extra)
    assert sent[NAME] == extra[NAME]
    assert NAME.lower() in sent.get("Signature-Input", sent["Signature"])
    headers = [(name.lower(), value) for name, value in ({"Host": "b.example"} | sent).items()]
    request = Request(method="POST", target="/inbox", headers=headers, body=BODY)
    assert isinstance(await keyring.judge(request), Verified)
    bent = [(name, "11" if name == NAME.lower() else value) for name, value in headers]
    verdict = await keyring.judge(msgspec.structs.replace(request, headers=bent))
    assert isinstance(verdict, Refused) and verdict.reason is Reason.MISMATCH
