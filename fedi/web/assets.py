"""`/static/`: the style sheets, scripts and icons of `static/`, held in memory.

The address of a file holds one digest of the whole folder (`/static/DIGEST/css/base.css`), so it
may be kept for ever and a new release is seen at once; and what one file names relatively to
itself, such as a module that imports another, comes from the same release. Without the digest, or
with an old one, the file of today is served for a browser to check each time.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parents[2] / "static"

# Only these are served: what else lies in the folder is nobody's business.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
}
WORTH_PACKING = 512  # bytes; below, gzip's own frame eats what it saves
DIGEST_LENGTH = 16  # hexadecimal digits
FOR_EVER = "public, max-age=31536000, immutable"
CHECK_EACH_TIME = "public, max-age=0, must-revalidate"


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    packed: bytes | None  # gzip, where it is smaller
    media_type: str
    etag: str


class Assets:
    """The files of a folder, read once.

    Args:
        folder: with its subfolders; links and unknown kinds of files in it are left out.
    """

    def __init__(self, folder: Path) -> None:
        self.files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.suffix in MEDIA_TYPES and path.is_file() and not path.is_symlink()
        }
        names = "".join(f"{name}\0{asset.etag}\0" for name, asset in self.files.items())
        self.digest = hashlib.sha256(names.encode()).hexdigest()[:DIGEST_LENGTH]

    def address(self, name: str) -> str:
        """The address of a file, for a page.

        Raises:
            KeyError: there is no such file: a mistake in a template.
        """
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"

    async def serve(self, request: Request) -> Response:
        """`GET /static/PATH`."""
        path: str = request.path_params["path"]
        current = path.startswith(f"{self.digest}/")
        asset = self.files.get(path) or self.files.get(path.partition("/")[2])
        if asset is None:
            raise HTTPException(404, "There is no such file.")
        headers = {
            "Cache-Control": FOR_EVER if current else CHECK_EACH_TIME,
            "ETag": asset.etag,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
            # Apps that are pages elsewhere show the faces of those who have none of their own.
            "Cross-Origin-Resource-Policy": "cross-origin"
            if asset.media_type == "image/png"
            else "same-origin",
        }
        if matches(request, asset.etag):
            return Response(status_code=304, headers=headers)
        content = asset.content
        if asset.packed is not None and _takes_gzip(request):
            content = asset.packed
            headers["Content-Encoding"] = "gzip"
        return Response(content, headers=headers, media_type=asset.media_type)


def matches(request: Request, etag: str) -> bool:
    """Whether a browser has this version already (RFC 9110, 13.1.2: compared weakly)."""
    known = request.headers.get("if-none-match", "")
    return etag.removeprefix("W/") in {
        entry.strip().removeprefix("W/") for entry in known.split(",")
    }


def _takes_gzip(request: Request) -> bool:
    for entry in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = entry.partition(";")
        if coding.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    packed = gzip.compress(content, 9, mtime=0)
    smaller = len(content) >= WORTH_PACKING and len(packed) < len(content)
    return Asset(
        content,
        packed if smaller else None,
        MEDIA_TYPES[path.suffix],
        f'W/"{hashlib.sha256(content).hexdigest()[:DIGEST_LENGTH]}"',
    )


assets = Assets(FOLDER)
