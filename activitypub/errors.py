"""What can be wrong with a document from outside."""

from __future__ import annotations


class Malformed(ValueError):
    """The document cannot be what it claims to be.

    `reason` is one plain sentence that may be shown to the peer that sent it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
