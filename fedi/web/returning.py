"""The way back to the page that sent somebody here to do something (FEP-3b86, 3.4).

It is a link that names its host: whoever writes `on-success` into an address would otherwise send
people wherever they like, by ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from activitypub.objects import values

SUCCESS, CANCEL = "on-success", "on-cancel"


@dataclass(frozen=True, slots=True)
class Ways:
    """Where to, when it is done and when it is not; None where the page said nothing."""

    success: str | None = None
    cancel: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """What a form carries along."""
        named = {SUCCESS: self.success, CANCEL: self.cancel}
        return {name: address for name, address in named.items() if address is not None}

    @property
    def success_host(self) -> str:
        return urlsplit(self.success or "").netloc

    @property
    def cancel_host(self) -> str:
        return urlsplit(self.cancel or "").netloc


def read(fields: Mapping[str, str]) -> Ways:
    """The ways back of a query or a form; what is no address of the web is none."""
    return Ways(values.web_uri(fields.get(SUCCESS)), values.web_uri(fields.get(CANCEL)))
