"""What people bring with them from another server, and take away from here: lists as Mastodon
writes them, as CSV.

`sheets` is the form of the lists, `taking` writes them, `bringing` keeps what was brought until
the job `import` (`federation.importing`) has taken it in.
"""

from __future__ import annotations

from fedi.social.carrying.sheets import KINDS, Kind

__all__ = ["KINDS", "Kind"]
