"""Files of an archive, whichever way they are compressed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import lz4.frame
import zstandard

from core.errors import RestoreFailed

_CHUNK = 4 * 2**20
_ZSTD, _LZ4 = b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"


def copy(file: Path, to: IO[bytes]) -> None:
    """Write what is in `file`, as it was before it was compressed, to `to`.

    Raises RestoreFailed where it is damaged or cannot be read, OSError where `to` cannot be written.
    """
    for chunk in _chunks(file):
        to.write(chunk)


def read(file: Path) -> bytes:
    """What is in a small `file`. Raises RestoreFailed."""
    return b"".join(_chunks(file))


def _chunks(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as raw:
            magic = raw.read(4)
            raw.seek(0)
            reader: IO[bytes] = raw
            if magic == _ZSTD:
                whole = zstandard.ZstdDecompressor().stream_reader(
                    raw, read_size=_CHUNK, read_across_frames=True, closefd=False
                )
                reader = cast(IO[bytes], whole)
            elif magic == _LZ4:
                reader = cast(IO[bytes], lz4.frame.open(raw))
            while chunk := reader.read(_CHUNK):
                yield chunk
    except (zstandard.ZstdError, RuntimeError, EOFError) as error:
        raise RestoreFailed(f"{file} is damaged: {error}") from None
    except OSError as error:
        raise RestoreFailed(f"{file} cannot be read: {error.strerror or error}") from None
