from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from generation import certificates
from generation.certificates import CertificateError

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def test_a_leaf_is_what_c2pa_asks_for() -> None:
    above = certificates.authority("easel.example", NOW)
    made = certificates.leaf(above, "easel.example", NOW)
    leaf, root = loaded(made.certificate), loaded(above.certificate)
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    key = serialization.load_pem_private_key(made.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert leaf.public_key() == key.public_key() != root.public_key()
    extensions = leaf.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    [purpose] = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert purpose == ExtendedKeyUsageOID.EMAIL_PROTECTION
    above_key = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issuer.key_identifier == above_key.digest
    assert certificates.name_of(made.certificate) == "easel.example"


def test_a_leaf_signs_for_a_year_and_its_signatures_hold_longer() -> None:
    above = certificates.authority("easel.example", NOW)
    leaf = certificates.leaf(above, "easel.example", NOW).certificate
    renewal = NOW + certificates.LEAF_SIGNS - certificates.RENEWED_BEFORE
    assert not certificates.due(leaf, NOW)
    assert not certificates.due(leaf, renewal - DAY)
    assert certificates.due(leaf, renewal)
    assert loaded(leaf).not_valid_before_utc < NOW
    assert loaded(leaf).not_valid_after_utc > NOW + 10 * certificates.LEAF_SIGNS


def test_no_leaf_outlives_its_authority() -> None:
    above = certificates.authority("easel.example", NOW)
    late = NOW + certificates.AUTHORITY_LIFE - 100 * DAY
    leaf = certificates.leaf(above, "easel.example", late).certificate
    assert loaded(leaf).not_valid_after_utc == loaded(above.certificate).not_valid_after_utc
    assert not certificates.due(leaf, late)
    assert certificates.due(leaf, late + 71 * DAY)


def test_what_is_no_authority_is_not_taken_for_one() -> None:
    above = certificates.authority("easel.example", NOW)
    assert certificates.checked_authority(above.certificate + above.key) == above.certificate
    leaf = certificates.leaf(above, "easel.example", NOW)
    for pem in (
        "",
        "x",
        above.key,
        leaf.certificate,
        " " * certificates.MAX_PEM + above.certificate,
    ):
        with pytest.raises(CertificateError, match="certificate"):
            certificates.checked_authority(pem)
