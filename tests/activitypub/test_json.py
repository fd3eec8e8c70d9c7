"""Bytes that hostile and careless servers send (attacks.md 48, 49)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activitypub.errors import Malformed
from activitypub.json import BODY_LIMIT, DEPTH_LIMIT, VALUES_LIMIT, decode, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}x",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9223372036854775808}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"x": [{"a\\"": 1, "b": "a:", "a\\"" : 2}]}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-16-le"),
        b'{"a": "\x00"}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00x"}',
        b'{"a": "\\ud800\\u0041"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xff"}',
        b'{"a": "' + b"x" * BODY_LIMIT + b'"}',
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a":' + b"[" * 100_000,
        b'{"a":' * DEPTH_LIMIT + b"{}" + b"}" * DEPTH_LIMIT,
        b'{"a": [' + b"0," * VALUES_LIMIT + b"0]}",
        b'{"@graph": []}',
        b'{"object": {"@included": []}}',
        b'{"object": [{"@reverse": {}}]}',
    ],
)
def test_a_bad_body_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)


@given(st.dictionaries(st.sampled_from("abc"), JSON))
def test_whatever_is_encoded_is_decoded_again(document: dict[str, object]) -> None:
    if "@graph" in str(document) or "@included" in str(document) or "@reverse" in str(document):
        return
    assert decode(encode(document)) == json.loads(json.dumps(document))


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_malformed(body: bytes) -> None:
    try:
        assert isinstance(decode(body), dict)
    except Malformed:
        pass


def test_keys_that_look_alike_only_inside_text_are_no_duplicates() -> None:
    document = {"a": '"a": 1, "a": 2', "b\\": {"a": ["\\", '"']}}
    assert decode(json.dumps(document).encode()) == document


def test_the_limit_is_the_callers() -> None:
    assert decode(b'{"a": 1}', limit=8) == {"a": 1}
    with pytest.raises(Malformed):
        decode(b'{"a": 1}', limit=7)
