"""The latest of something for a service of a stack, as a file: one tool measures it, another one reads it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from components.contract import Contract
from servers import osuser
from servers.paths import make_passable, state_dir

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    T = TypeVar("T", bound=DataclassInstance)


def folder_of(contract: Contract, kind: str) -> Path:
    """Where a stack's `kind` is kept."""
    return state_dir() / kind / f"{contract.project}-{contract.stack}"


def keep(contract: Contract, kind: str, service: str, value: DataclassInstance) -> Path:
    """Keep it in place of the last one; returns its file. Raises OSError, ServerError."""
    file = folder_of(contract, kind) / f"{service}.json"
    make_passable(file.parent)
    osuser.write_private(file, json.dumps(asdict(value)) + "\n", ours=True)
    return file


def read(contract: Contract, kind: str, service: str, of: type[T]) -> T | None:
    """The last one; None where there is none, or none that this user may read."""
    with suppress(OSError, ValueError, TypeError):
        said: dict[str, Any] = json.loads(
            (folder_of(contract, kind) / f"{service}.json").read_text(encoding="utf-8")
        )
        return of(**said)
    return None
