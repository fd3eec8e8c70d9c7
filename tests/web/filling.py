"""Filling in forms as a browser does: what is ticked, chosen and typed, and nothing else."""

from __future__ import annotations

from urllib.parse import urljoin

import aiohttp

from tests.api.oauth.person import HTML, Person, Seen
from tests.web.reading import Element


def form_of(seen: Seen, action: str) -> Element:
    """The form of a page that leads to `action`."""
    found = [form for form in seen.page.all("form") if form["action"] == action]
    assert found, [form["action"] for form in seen.page.all("form")]
    return found[0]


def filled(form: Element) -> dict[str, str]:
    """The fields of a form as they stand on the page."""
    fields: dict[str, str] = {}
    for entry in form.all("input"):
        if "name" not in entry.attributes or entry.attributes.get("type") == "file":
            continue
        ticked = "checked" in entry.attributes
        if entry.attributes.get("type") not in {"radio", "checkbox"} or ticked:
            fields[entry["name"]] = entry.attributes.get("value", "")
    for entry in form.all("textarea"):
        words = "".join(part for part in entry.parts if isinstance(part, str))
        fields[entry["name"]] = words.removeprefix("\n")
    for entry in form.all("select"):
        options = entry.all("option")
        chosen = [option for option in options if "selected" in option.attributes] or options[:1]
        fields[entry["name"]] = chosen[0]["value"]
    return fields


async def send(
    visitor: Person,
    seen: Seen,
    action: str,
    files: dict[str, bytes] | None = None,
    *,
    to: str = "",
    **typed: str,
) -> Seen:
    """Send the form that leads to `action`, with what is typed, as the form says.

    Args:
        files: those that were chosen, by the names of their fields.
        to: where the button that was pressed leads, if it says so.
    """
    form = form_of(seen, action)
    fields = filled(form) | typed
    if form.attributes.get("enctype") != "multipart/form-data" or to:
        return await visitor.post(to or action, fields)
    body = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        body.add_field(name, value)
    for entry in form.all("input", type="file"):  # an empty one is sent, too
        content = (files or {}).get(entry["name"], b"")
        kind = "image/png" if content else "application/octet-stream"
        body.add_field(
            entry["name"], content, filename="a.png" if content else "", content_type=kind
        )
    url = urljoin(visitor.instance.url, action)
    async with visitor.session.post(url, data=body, headers=HTML, allow_redirects=False) as answer:
        return Seen(answer.status, answer.headers, await answer.text())
