"""`python -m fedi.cli` is `easel`."""

from __future__ import annotations

from fedi.cli import main

if __name__ == "__main__":
    main()
