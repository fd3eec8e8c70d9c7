"""Multibase: what base58btc says, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub import multibase
from activitypub.errors import Malformed


@pytest.mark.parametrize(
    ("value", "text"),
    # the last three are vectors of draft-msporny-base58-03
    [(b"", "z"), (b"\0", "z1"), (b"\0\0\x01", "z112"), (b"Hello World!", "z2NEpo7TZRRrLZSi2U"),
     (b"The quick brown fox jumps over the lazy dog.",
      "zUSm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"),
     (bytes.fromhex("0000287fb4cd"), "z11233QC4")],
)  # fmt: skip
def test_both_ways(value: bytes, text: str) -> None:
    assert multibase.encode(value) == text
    assert multibase.decode(text) == value


@given(st.binary(max_size=200))
def test_what_was_written_is_read(value: bytes) -> None:
    assert multibase.decode(multibase.encode(value)) == value


@pytest.mark.parametrize("text", ["", "Qm", "f00", "z0", "zO", "zI", "zl", "z ", "zü", "z" * 3000])
def test_what_is_none(text: str) -> None:
    with pytest.raises(Malformed):
        multibase.decode(text)
