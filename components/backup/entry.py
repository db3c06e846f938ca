"""What services.yaml may say about a service's backups; the defaults are right for a service of a bank."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel

from components.contract import BackupPolicy

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"\s*(\d+)\s*(s|min|h|d)\s*")
_WINDOW = re.compile(r"\s*([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)\s*")


def parse_duration(value: object) -> int:
    """`30s`, `10min`, `12h`, `7d` in seconds; an int is taken as seconds already. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError("not a duration; write a number and s, min, h or d, for example 12h")
    return int(match[1]) * _UNITS[match[2]]


def format_duration(seconds: int) -> str:
    """`seconds` in the largest unit that shows them whole: 86400 gives `1d`."""
    unit = next(name for name in ("d", "h", "min", "s") if seconds % _UNITS[name] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def parse_window(value: object) -> object:
    """`01:00-05:00` as minutes of the day (60, 300). Raises ValueError."""
    match = _WINDOW.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, str) and match is None:
        raise ValueError("not a window; write from and to in UTC, for example 01:00-05:00")
    return (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else value


def format_window(window: tuple[int, int] | None) -> str | None:
    """Minutes of the day as services.yaml writes them."""
    return window and "-".join(f"{at // 60:02d}:{at % 60:02d}" for at in window)


Seconds = Annotated[int, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
Window = Annotated[
    tuple[int, int], BeforeValidator(parse_window), PlainSerializer(format_window, return_type=str)
]


_PUBLIC, _PRIVATE = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "PRIVATE KEY BLOCK"


def read_public_key(name: str, info: ValidationInfo) -> str:
    """The armored public key in the file `name`, which is beside services.yaml. Raises ValueError."""
    folder = (info.context or {}).get("folder", Path())
    try:
        text = (Path(folder) / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"no key can be read there ({getattr(error, 'strerror', None) or 'not text'}); write the public "
            "key beside services.yaml: gpg --armor --export NAME > FILE"
        ) from None
    if _PRIVATE in text:
        raise ValueError(
            "it holds a private key, which must not be where backups are; write the public one alone: gpg "
            "--armor --export NAME > FILE"
        )
    if not text.startswith(_PUBLIC):
        raise ValueError("it is no armored public key; write one: gpg --armor --export NAME > FILE")
    return text


PublicKey = Annotated[str, AfterValidator(read_public_key)]


class BackupEntry(BaseModel):
    """`backup` of a service in services.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    enabled: bool = True
    full: Seconds = 86_400
    """A full backup so often."""
    incremental: Seconds | None = None
    """Block-incremental ones between the full ones (PostgreSQL 17 and newer)."""
    window: Window | None = None
    """When scheduled backups begin, in UTC; None: whenever they are due."""
    keep: Seconds = 14 * 86_400
    """To any time of so long back the service can be restored."""
    keep_at_least: int = Field(default=2, ge=1)
    """Backups that stay whatever their age, and whatever a clock says."""
    compression: Literal["zstd", "lz4", "none"] = "zstd"
    encryption: PublicKey | None = None
    """A file beside services.yaml with an OpenPGP public key, to which all of the archive is encrypted."""
    dump: Seconds | None = 86_400
    """A dated pg_dump so often; `null`: none."""
    dumps_kept: int = Field(default=7, ge=1)
    proof: Seconds | None = 7 * 86_400
    """The newest backup is restored and checked so often; `null`: never by itself."""
    proof_limit: Seconds | None = None
    """Without a proof so young, `cutover` and `finish` are refused; `null`: they warn."""
    lag_limit: Seconds = 10
    """Seconds of WAL that may be missing in the archive before `backups check` says so."""
    synchronous: bool = False
    """Commits are answered when the archive has them, too: a lost server loses none."""
    synchronous_limit: Seconds = 5
    """So long commits wait for a receiver that does not come on; then they go on without it."""

    @model_validator(mode="after")
    def _incremental_is_more_often(self) -> BackupEntry:
        if self.incremental is not None and self.incremental >= self.full:
            raise ValueError("incremental backups are less often than full ones; make `incremental` shorter")
        return self

    @model_validator(mode="after")
    def _proofs_are_more_often_than_their_limit(self) -> BackupEntry:
        if self.proof_limit is not None and (self.proof is None or self.proof > self.proof_limit):
            raise ValueError("no proof would be young enough; make `proof` at most `proofLimit`")
        return self

    @model_validator(mode="after")
    def _what_is_encrypted_was_compressed(self) -> BackupEntry:
        if self.encryption is not None and self.compression == "none":
            raise ValueError("what is encrypted is compressed before; write `compression: zstd` or lz4")
        return self

    @property
    def policy(self) -> BackupPolicy:
        """The same for who carries it out."""
        return BackupPolicy(
            full_every=self.full,
            incremental_every=self.incremental,
            window=self.window,
            keep=self.keep,
            keep_at_least=self.keep_at_least,
            compression=self.compression,
            encryption_key=self.encryption,
            dump_every=self.dump,
            dumps_kept=self.dumps_kept,
            proof_every=self.proof,
            proof_limit=self.proof_limit,
            lag_limit=self.lag_limit,
            synchronous=self.synchronous,
            synchronous_limit=self.synchronous_limit,
        )
