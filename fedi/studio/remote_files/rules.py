"""Whose files may be shown here: the one place where that is asked."""

from __future__ import annotations

from collections.abc import Collection

from fedi.runtime import Easel
from fedi.social import domains


async def shown_here(easel: Easel, host: str) -> bool:
    """Whether files of a server may be fetched and shown: not where the host's rules say no."""
    return not await hidden(easel, [host])


async def hidden(easel: Easel, hosts: Collection[str]) -> set[str]:
    """Those of some servers whose files are not shown."""
    rules = await domains.of(easel)
    if not rules:  # most instances have none, and a page asks for each of its pictures
        return set()
    found = set()
    for host in hosts:
        rule = rules.of(host)
        if rules.suspended(host) or (rule is not None and rule.reject_media):
            found.add(host)
    return found
