"""What is kept of a password."""

from __future__ import annotations

import subprocess
import sys

WORK = "$argon2id$v=19$m=65536,t=3,p=4$"  # RFC 9106, the second recommended option


def test_a_password_is_dear_to_try() -> None:
    """In a process of its own: within the tests, hashes are cheap."""
    code = (
        "import asyncio; from fedi.social import credentials; "
        "print(asyncio.run(credentials.hash_password('correct horse')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(WORK)
