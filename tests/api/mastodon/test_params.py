"""One parser for query, form, multipart and JSON (attacks 62 and 66 to 78)."""

from __future__ import annotations

import json
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fedi.api.mastodon import params
from fedi.api.mastodon.params import Upload
from fedi.social.errors import Invalid, SocialError

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Option(Struct, kw_only=True):
    id: int
    description: str = ""


class Asked(Struct, kw_only=True):
    status: str = ""
    sensitive: bool = False
    id: list[int] = []
    visibility: Literal["public", "private"] | None = None
    in_reply_to_id: int | None = None
    focus: float | None = None
    options: list[str] = []
    media_attributes: list[Option] = []
    fields_attributes: list[Option] = []
    file: Upload | None = None


class Needy(Struct, kw_only=True):
    acct: str


def request(
    method: str = "POST", query: bytes = b"", media_type: str = "", body: bytes = b""
) -> Request:
    headers = [(b"content-type", media_type.encode())] if media_type else []
    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": query,
        "headers": headers,
    }
    sent = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(sent)

    return Request(scope, receive)  # type: ignore[arg-type]


async def by_form(*fields: tuple[str, str]) -> Asked:
    body = urlencode(fields).encode()
    return await params.read(request(media_type=FORM, body=body), Asked)


async def by_json(document: Any) -> Asked:
    return await params.read(request(media_type=JSON, body=json.dumps(document).encode()), Asked)


async def by_multipart(*fields: tuple[str, str]) -> Asked:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields:
        form.add_field(name, value)
    return await params.read(multipart(*await encoded(form)), Asked)


async def encoded(form: aiohttp.FormData) -> tuple[str, bytes]:
    payload = form()
    return str(payload.headers["Content-Type"]), await payload.as_bytes()


def multipart(media_type: str, body: bytes) -> Request:
    return request(media_type=media_type, body=body)


WAYS = [by_form, by_multipart]


@pytest.mark.parametrize("send", WAYS)
async def test_names_say_what_belongs_together(send: Any) -> None:
    asked = await send(
        ("status", "Häuser & Türme"),
        ("sensitive", "on"),
        ("id[]", "7"),
        ("id[]", "8"),
        ("visibility", "private"),
        ("in_reply_to_id", ""),
        ("focus", "0.5"),
        ("media_attributes[][id]", "1"),
        ("media_attributes[][description]", "one"),
        ("media_attributes[][id]", "2"),
        ("fields_attributes[1][id]", "4"),
        ("fields_attributes[0][id]", "3"),
        ("unknown[deep][er]", "x"),
    )
    assert asked == Asked(
        status="Häuser & Türme",
        sensitive=True,
        id=[7, 8],
        visibility="private",
        focus=0.5,
        media_attributes=[Option(id=1, description="one"), Option(id=2)],
        fields_attributes=[Option(id=3), Option(id=4)],
    )


async def test_json_says_the_same_and_null_says_nothing() -> None:
    asked = await by_json(
        {
            "status": None,
            "sensitive": "false",
            "id": 7,
            "visibility": None,
            "in_reply_to_id": "9",
            "media_attributes": [{"id": "1", "description": None}],
            "options": ["a", 2],
            "unknown": {"a": [1]},
        }
    )
    assert asked == Asked(
        id=[7], in_reply_to_id=9, media_attributes=[Option(id=1)], options=["a", "2"]
    )


async def test_the_body_counts_before_the_query_and_of_a_get_only_the_query() -> None:
    query = b"status=query&sensitive=1"
    body = b"status=body"
    both = await params.read(request("POST", query, FORM, body), Asked)
    assert (both.status, both.sensitive) == ("body", True)
    got = await params.read(request("GET", query, FORM, body), Asked)
    assert got.status == "query"
    bare = await params.read(request("POST", query), Asked)
    assert bare.status == "query"


async def test_a_file_comes_with_its_name_and_nothing_else_is_one() -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"\x89PNG", filename="../../a.png", content_type="image/png")
    form.add_field("status", "x")
    asked = await params.read(multipart(*await encoded(form)), Asked)
    assert asked.file is not None
    assert (asked.file.content, asked.file.media_type) == (b"\x89PNG", "image/png")
    assert (await by_form(("file", ""))).file is None
    with pytest.raises(Invalid, match="file must be a file"):
        await by_form(("file", "x"))
    with pytest.raises(Invalid, match="status must be text"):
        form = aiohttp.FormData()
        form.add_field("status", b"x", filename="a")
        await params.read(multipart(*await encoded(form)), Asked)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("in_reply_to_id", "abc")], "in_reply_to_id must be a whole number"),
        ([("in_reply_to_id", "1.5")], "in_reply_to_id must be a whole number"),
        ([("in_reply_to_id", "9" * 19)], "in_reply_to_id must be a whole number"),
        ([("in_reply_to_id", "9" * 5000)], "in_reply_to_id must be a whole number"),
        ([("id[]", "٣")], "id must be a whole number"),
        ([("focus", "nan")], "focus must be a number"),
        ([("focus", "1e999")], "focus must be a number"),
        ([("sensitive", "maybe")], "sensitive must be true or false"),
        ([("visibility", "secret")], "visibility: invalid enum value"),
        ([("status[a]", "x")], "status must be text"),
        ([("media_attributes[]", "x")], "media_attributes must have parts"),
        ([("media_attributes[][description]", "x")], "id can't be blank"),
    ],
)
async def test_what_does_not_fit_is_refused_in_a_sentence(
    fields: list[tuple[str, str]], says: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await by_form(*fields)
    assert str(refusal.value).startswith(says) and str(refusal.value).endswith(".")


async def test_what_must_be_there_is_asked_for() -> None:
    with pytest.raises(Invalid, match=r"^acct can't be blank\.$"):
        await params.read(request("GET"), Needy)


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        (FORM, b"status=a%00b", 400),
        (JSON, b'{"status": "a\\u0000b"}', 400),
        (JSON, b'{"status": "\\ud800"}', 400),
        (JSON, b'{"id": [1e400]}', 400),
        (JSON, b'["status"]', 400),
        (JSON, b"{", 400),
        (JSON, b'{"a":' * 100_000, 400),
        (JSON, b'{"status": "a", "status": "b"}', 400),
        (FORM, b"&".join(b"id[]=1" for _ in range(1001)), 400),
        (FORM, b"a" + b"[b]" * 50 + b"=1", 400),
        (FORM, b"a" * 300 + b"=1", 400),
        (FORM, b"id=1&id[]=2", 400),
        (FORM, b"id[]=1&id[a]=2", 400),
        (FORM, b"x" * (1024 * 1024 + 1), 413),
        ("multipart/form-data", b"--", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\n--x--\r\n", 400),
        ("text/plain", b"status=a", 415),
    ],
)
async def test_what_cannot_be_read_is_refused(media_type: str, body: bytes, status: int) -> None:
    with pytest.raises(HTTPException) as refusal:
        await params.read(request(media_type=media_type, body=body), Asked)
    assert refusal.value.status_code == status
    assert refusal.value.detail


async def test_a_flood_of_parts_or_files_is_refused() -> None:
    many = aiohttp.FormData(default_to_multipart=True)
    for _ in range(params.MAX_PARAMETERS + 1):
        many.add_field("id[]", "1")
    files = aiohttp.FormData()
    for _ in range(params.MAX_FILES + 1):
        files.add_field("file", b"x", filename="x")
    for form in (many, files):
        with pytest.raises(HTTPException) as refusal:
            await params.read(multipart(*await encoded(form)), Asked)
        assert refusal.value.status_code == 400


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from([field.name for field in msgspec.structs.fields(Asked)])


@given(st.dictionaries(_names, _values))
def test_whatever_comes_is_read_or_refused(tree: dict[str, Any]) -> None:
    try:
        assert isinstance(params.decode(tree, Asked), Asked)
    except (SocialError, HTTPException):
        pass


@given(st.lists(st.tuples(st.text("ab[]0", max_size=12), st.text(max_size=3)), max_size=8))
def test_whatever_the_names_are_they_are_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        assert isinstance(params._tree(pairs), dict)
    except HTTPException as error:
        assert error.status_code == 400
