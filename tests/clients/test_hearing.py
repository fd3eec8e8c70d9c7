"""What each client is told: notifications, events of a stream, and where to push."""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.clients.walk import Walk


def test_notifications(walk: Walk) -> None:
    walk.bob.ask("POST", f"/api/v1/statuses/{walk.posted['id']}/favourite")
    walk.bob.post(f"@{walk.name} nice")
    told = [(one["type"], one["account"]["acct"]) for one in walk.do("notifications")]
    assert {("favourite", walk.bob.name), ("mention", walk.bob.name)} <= set(told)


def test_an_event_of_a_stream(walk: Walk) -> None:
    if "listen" in walk.client.lacks:
        return
    assert walk.received  # follows carol
    assert walk.do("listen") is True
    made = walk.carol.post("Do you hear me?")
    while (heard := walk.do("hear"))["uri"] != made["uri"]:
        pass
    assert "Do you hear me?" in heard["content"]


def test_a_push_subscription(walk: Walk) -> None:
    if "push" in walk.client.lacks:
        return
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def written(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    endpoint = f"https://push.example/{walk.name}"
    kept = walk.do(
        "push", endpoint=endpoint, p256dh=written(point), auth=written(secrets.token_bytes(16))
    )
    assert kept["endpoint"] == endpoint and kept["server_key"]
    assert kept["alerts"]["favourite"] is True and kept["alerts"]["mention"] is False
