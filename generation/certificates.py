"""The certificates behind a signature in a picture: an authority, and the leaf that it lets sign.

C2PA takes no signature by a certificate that signed itself, so there are always two. Who knows the
authority of an instance can tell what that instance signed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MAX_PEM = 16_384  # bytes of an authority's certificate that somebody hands us; ours has 700

AUTHORITY_LIFE = timedelta(days=30 * 365)
# A leaf signs for a year. It stays valid for longer: no independent clock (RFC 3161) says when a
# picture was signed, so every reader takes its signature for worthless when the leaf has ended.
LEAF_SIGNS = timedelta(days=365)
LEAF_LIFE = timedelta(days=15 * 365)
RENEWED_BEFORE = timedelta(days=30)  # the year is over
# The clock of another server may be behind ours.
BACKDATED = timedelta(days=1)

_HALF = 32  # bytes of each number in a signature by P-256


class CertificateError(ValueError):
    """This is no certificate of an authority; the message is one plain sentence."""


class Certified(msgspec.Struct, frozen=True):
    """A certificate and the key that it is about, both PEM."""

    certificate: str
    key: str


def authority(name: str, now: datetime) -> Certified:
    """A new authority.

    Args:
        name: whose it is, such as `easel.example`.
        now: from when on it holds.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name, "Easel authority")
    certificate = (
        _builder(subject, subject, key, now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _certified(certificate, key)


def leaf(issuer: Certified, name: str, now: datetime) -> Certified:
    """A new certificate that may sign pictures, for a new key.

    Args:
        issuer: who lets it sign.
        name: who signs, such as `easel.example`.
        now: from when on it signs; see `due`.
    """
    above = x509.load_pem_x509_certificate(issuer.certificate.encode())
    by = serialization.load_pem_private_key(issuer.key.encode(), None)
    assert isinstance(by, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + LEAF_LIFE, above.not_valid_after_utc)
    certificate = (
        _builder(_name(name, "Easel"), above.subject, key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        # What C2PA asks of who signs (technical specification 2.1, 14.5.1.1).
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
        )
        .sign(by, hashes.SHA256())
    )
    return _certified(certificate, key)


def due(certificate: str, now: datetime) -> bool:
    """Whether a leaf (PEM) has signed for nearly a year, or will soon be invalid."""
    found = x509.load_pem_x509_certificate(certificate.encode())
    until = min(found.not_valid_before_utc + BACKDATED + LEAF_SIGNS, found.not_valid_after_utc)
    return now >= until - RENEWED_BEFORE


def signature(data: bytes, key: str) -> bytes:
    """ES256 over `data` as COSE has it (RFC 9053, 2.1): r and s, 64 bytes.

    Args:
        key: an elliptic key of 256 bits, PEM.
    """
    by = serialization.load_pem_private_key(key.encode(), None)
    assert isinstance(by, ec.EllipticCurvePrivateKey)
    r, s = utils.decode_dss_signature(by.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def der(pem: str) -> bytes:
    """The first certificate of a chain as it stands in a signature."""
    found = x509.load_pem_x509_certificate(pem.encode())
    return found.public_bytes(serialization.Encoding.DER)


def checked_authority(pem: str) -> str:
    """The certificate of an authority that somebody hands us, and nothing else that was in it.

    Raises:
        CertificateError: it is none.
    """
    try:
        found = x509.load_pem_x509_certificate(pem[:MAX_PEM].encode())
        basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
        if not basic.value.ca:
            raise CertificateError("This certificate is no authority's.")
        return found.public_bytes(serialization.Encoding.PEM).decode()
    except CertificateError:
        raise
    except Exception as error:  # whatever broke the parser
        raise CertificateError("This is no certificate of an authority.") from error


def name_of(pem: str) -> str:
    """Whose certificate this says it is: its organisation, else its common name."""
    subject = x509.load_pem_x509_certificate(pem.encode()).subject
    for attribute in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for found in subject.get_attributes_for_oid(attribute):
            return str(found.value)
    return ""


def _name(organisation: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _certified(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Certified:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Certified(certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode())
