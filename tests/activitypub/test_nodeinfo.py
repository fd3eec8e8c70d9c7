"""What a server tells about itself."""

from __future__ import annotations

from typing import Any

import pytest

from activitypub import nodeinfo
from activitypub.errors import Malformed
from activitypub.nodeinfo import SCHEMA, NodeInfo

OURS = NodeInfo(
    software="easel",
    version="0.1.0",
    repository="https://a.example/source",
    open_registrations=True,
    users_total=3,
    users_active_month=2,
    users_active_half_year=3,
    local_posts=17,
    name="A studio",
    description="Pictures",
    upstream="mastodon",
)


def test_both_versions() -> None:
    newer, older = OURS.document("2.1"), OURS.document("2.0")
    assert NodeInfo.parse(newer) == OURS
    assert older["version"] == "2.0" and newer["version"] == "2.1"
    # the schema of 2.0 allows name and version only
    assert older["software"] == {"name": "easel", "version": "0.1.0"}
    assert newer["software"]["repository"] == "https://a.example/source"
    for document in (older, newer):
        required = {"version", "software", "protocols", "services", "openRegistrations", "usage"}
        assert required | {"metadata"} == set(document)
        assert document["usage"]["users"] == {"total": 3, "activeMonth": 2, "activeHalfyear": 3}
    with pytest.raises(ValueError, match=r"3\.0"):
        OURS.document("3.0")


def test_discovery() -> None:
    document = nodeinfo.discovery("https://a.example")
    assert nodeinfo.parse_discovery(document) == "https://a.example/nodeinfo/2.1"
    assert {"rel": f"{SCHEMA}2.0", "href": "https://a.example/nodeinfo/2.0"} in document["links"]
    assert nodeinfo.content_type("2.1") == f'application/json; profile="{SCHEMA}2.1#"'


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"links": None}, {"links": [{"rel": f"{SCHEMA}1.0", "href": "https://a.example"}]},
     {"links": [{"rel": f"{SCHEMA}2.0", "href": "file:///x"}, 7]}],
)  # fmt: skip
def test_discovery_that_leads_nowhere(document: Any) -> None:
    assert nodeinfo.parse_discovery(document) is None


@pytest.mark.parametrize("document", [None, [], {}, {"software": "x"}, {"software": {"name": 7}}])
def test_what_names_no_software(document: Any) -> None:
    with pytest.raises(Malformed):
        NodeInfo.parse(document)


def test_wrong_types_are_absent() -> None:
    odd = {"software": {"name": "x", "version": 7}, "usage": [], "metadata": []}
    assert NodeInfo.parse({**odd, "openRegistrations": "true"}) == NodeInfo(
        software="x", version="", open_registrations=True
    )
