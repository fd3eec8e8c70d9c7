"""Shards as the library `webdataset` reads them: tar files in which the parts of one sample stand
beside each other, named by its key.

The same samples make the same bytes: members have no owner and no time.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_SAMPLES = 1000  # of a shard; `webdataset`'s own writer makes them of as many
MAX_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a dataset."""

    name: str
    sha256: str
    size: int  # bytes
    samples: int = 0


class Shards:
    """Writes samples into shards of a folder, `train-00000.tar` and so on.

    Args:
        folder: where they go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: io.BufferedRandom | None = None
        self._tar: tarfile.TarFile | None = None
        self._samples = 0
        self.written: list[Written] = []

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *how: object) -> None:
        self.close()

    def add(self, document: Mapping[str, Any], content: bytes) -> None:
        """One sample: its file, and what is said of it.

        Args:
            document: of `samples.with_file`.
            content: the file.
        """
        if self._tar is None or self._file is None:
            path = self._folder / f"train-{len(self.written):05}.tar"
            self._file = path.open("w+b")
            self._tar = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.USTAR_FORMAT)
        said = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
        _put(self._tar, str(document["file"]), content)
        _put(self._tar, f"{document['key']}.json", said.encode())
        self._samples += 1
        if self._samples >= MAX_SAMPLES or self._file.tell() >= MAX_BYTES:
            self.close()

    def close(self) -> None:
        """Finish the shard that is being written."""
        if self._tar is None or self._file is None:
            return
        self._tar.close()
        name = Path(self._file.name).name
        self.written.append(on_disk(self._file, name, self._samples))
        self._file.close()
        self._tar = self._file = None
        self._samples = 0


def write(folder: Path, name: str, text: str) -> Written:
    """A file of text beside the shards."""
    with (folder / name).open("w+b") as file:
        file.write(text.encode())
        return on_disk(file, name)


def on_disk(file: io.BufferedRandom, name: str, samples: int = 0) -> Written:
    """What was written, once it is on the disk."""
    file.flush()
    os.fsync(file.fileno())
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Written(name, digest, file.tell(), samples)


def _put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))
