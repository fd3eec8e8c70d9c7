"""The guarded HTTP client, and what comes of its requests."""

from __future__ import annotations

from activitypub.client.answers import Bytes, Fetched, FetchError, Response
from activitypub.client.guarded import Client

__all__ = ["Bytes", "Client", "FetchError", "Fetched", "Response"]
