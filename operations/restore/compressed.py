"""Files of an archive, whichever way they are compressed, and encrypted or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, cast

import lz4.frame
import zstandard

from core.errors import RestoreFailed
from operations.restore import encrypted

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


def is_sealed(file: Path) -> bool:
    """Whether a file is encrypted. One that was moved away meanwhile is not."""
    try:
        with file.open("rb") as raw:
            return encrypted.is_encrypted(raw.read(1))
    except FileNotFoundError:
        return False


def _chunks(file: Path) -> Iterator[bytes]:
    try:
        with ExitStack() as opened:
            raw = opened.enter_context(file.open("rb"))
            if encrypted.is_encrypted(raw.peek(1)):
                raw = opened.enter_context(encrypted.decrypted(file))
            magic = raw.peek(4)[:4]
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
