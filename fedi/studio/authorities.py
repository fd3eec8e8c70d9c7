"""The authorities of other instances: each is vouched for by the domain that shows it."""

from __future__ import annotations

from activitypub.client import Client, FetchError
from fedi.social import seals
from generation import certificates
from generation.certificates import CertificateError


class Unavailable(Exception):
    """There is no such authority to be had; the message is one plain sentence."""


async def fetch(client: Client, domain: str) -> str:
    """The certificate (PEM) of the authority that an instance shows.

    Args:
        client: guarded.
        domain: of the instance, such as `easel.example`.

    Raises:
        Unavailable: it shows none, or that of another.
    """
    reason = "nobody answers"
    for origin in client.origins(domain):
        try:
            answer = await client.get_bytes(f"{origin}{seals.PATH}", certificates.MAX_PEM)
            found = certificates.checked_authority(answer.body.decode())
        except FetchError as error:
            reason = error.reason
        except (CertificateError, UnicodeDecodeError):
            reason = "what it shows is no certificate of an authority"
        else:
            if certificates.name_of(found) == domain:
                return found
            reason = "it shows the certificate of another"
    raise Unavailable(f"{domain} has no authority that could be had: {reason.rstrip('.')}.")
