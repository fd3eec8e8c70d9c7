"""A PNG with another label."""

from __future__ import annotations

import pytest

from generation import provenance
from generation.relabelling import relabel
from tests.web.hanging import png


def test_what_is_no_whole_png_is_refused() -> None:
    packet = provenance.label("", "", "", mining=provenance.MINING_ALLOWED)
    content = png()
    assert provenance.read(relabel(content, packet)).mining == provenance.MINING_ALLOWED
    assert relabel(relabel(content, packet), packet) == relabel(content, packet)
    for broken in (b"", b"GIF89a", content[:20], content[:-12], content[:-1]):
        with pytest.raises(provenance.ProvenanceError):
            relabel(broken, packet)
