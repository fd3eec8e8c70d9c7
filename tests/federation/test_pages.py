"""Pages of the web, taken apart: what they say, in whatever charset, and never slowly."""

from __future__ import annotations

import time

import pytest

from fedi.federation import pages, summaries
from fedi.federation.pages import Page

BASE = "https://blog.example/posts/1"


def described(markup: str) -> summaries.Described:
    return summaries.read(Page(BASE, markup), secure=True)


def test_opengraph_comes_first_then_twitters_then_the_page() -> None:
    metas = [
        ("<title>A &amp; B</title>", "A & B"),
        ('<meta name="twitter:title" content="C">', "C"),
        ("<META PROPERTY='og:title' CONTENT='D\n  e'>", "D e"),
    ]
    for count in range(1, len(metas) + 1):
        said = described("".join(markup for markup, _ in metas[:count])).said
        assert said is not None and said.title == metas[count - 1][1]


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("a.png", "https://blog.example/posts/a.png"),
        ("//cdn.example/a.png", "https://cdn.example/a.png"),
        ("http://cdn.example/a.png", "https://cdn.example/a.png"),
        ("javascript:alert(1)", ""),
        ("JaVa\tScript:alert(1)", ""),
        ("data:image/png;base64,AAAA", ""),
        ("https://user:pass@cdn.example/a.png", ""),
        ("https://[::1/a.png", ""),
        ("file:///etc/passwd", ""),
        ("", ""),
    ],
)
def test_a_picture_is_one_of_the_web_or_none(content: str, address: str) -> None:
    said = described(f'<title>T</title><meta property="og:image" content="{content}">').said
    assert said is not None and said.image_url == address


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "٣", "2026-13-01"]
)
def test_what_makes_no_sense_is_left_out(moment: str) -> None:
    said = described(
        f'<html lang="{"x" * 99}"><title>T</title>'
        f'<meta property="article:published_time" content="{moment}">'
        '<meta property="og:image:width" content="-1">'
        '<meta property="og:image:height" content="9e9">'
        '<meta name="fediverse:creator" content="nobody">'
    ).said
    assert said is not None
    assert (said.published_at, said.language, said.creator) == (None, None, "")
    assert (said.image_width, said.image_height) == (0, 0)


def test_what_strangers_wrote_into_a_page_is_not_what_it_says() -> None:
    markup = "<textarea><meta property=og:title content=X></textarea><!-- <title>Y</title> -->"
    assert described(markup).said is None


@pytest.mark.parametrize(
    "label", ["utf-8", "windows-1252", "ISO-8859-1", "gb2312", "euc-kr", "utf-16le", "x-sjis"]
)
def test_charsets_that_pages_have(label: str) -> None:
    assert pages.charset(label) is not None


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "zip", "rot13", "hex", "utf-7", "unicode_escape", "../x", "a\0b"]
)
def test_charsets_that_no_page_has(label: str) -> None:
    assert pages.charset(label) is None


def test_a_letter_that_is_cut_spoils_nothing() -> None:
    assert pages.decoded("Käse ä".encode()[:-1], "text/html; charset=utf-8") == "Käse "


@pytest.mark.parametrize("part", ["<meta ", "<title>", "<title", '<meta content="', "<link rel="])
def test_no_page_takes_long(part: str) -> None:
    markup = part * (pages.MAX_PAGE // len(part))
    begun = time.process_time()
    described(markup)
    assert time.process_time() - begun < 5
