"""Restore points on a schedule, declared: what services.yaml says, and the file that the supervisors read.

    <archives>/points.json   how often, how long they are kept, and the contract that they are made with

In it is no more than making a point needs: where gateways and instances are, the passwords of their consoles
and of the backup roles. None of the shared database's: a service that still lives there is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.backup.entry import Seconds
from servers import osuser, paths

FILE = "points.json"
"""In the folder of all archives."""
_BLANK = ""
_NEEDED = {"backup", "gateway_control"}
"""Parts of a service whose passwords are needed: its backup role's and its gateway's console's."""


class RestorePointsEntry(BaseModel):
    """`restorePoints` of services.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: Seconds | None = 86_400
    """`null`: none by themselves."""
    keep: Seconds = 14 * 86_400
    """So long those are listed that were made by themselves or before a switch."""
    digests: bool = False
    """Whether every row's digest is taken at that instant: reads all rows, beside the clients."""


def reduced(contract: Mapping[str, Any]) -> dict[str, Any]:
    """A contract, as plain values, without a secret that making a restore point does not need."""
    services = {
        name: {part: value if part in _NEEDED else _blanked(value) for part, value in service.items()}
        for name, service in contract["services"].items()
    }
    return {name: services if name == "services" else _blanked(value) for name, value in contract.items()}


def write(archives: Path, every: int, keep: int, digests: bool, contract: Mapping[str, Any]) -> None:
    """Lay the file out, for this user alone. Raises OSError."""
    paths.make_passable(archives)
    said = {"every": every, "keep": keep, "digests": digests, "contract": reduced(contract)}
    osuser.write_private(archives / FILE, json.dumps(said, indent=1) + "\n", ours=True)


def _blanked(value: Any) -> Any:
    """The same without passwords, however deep: what is added to the contract later is left out, too."""
    if isinstance(value, Mapping):
        return {name: _BLANK if name == "password" else _blanked(one) for name, one in value.items()}
    return [_blanked(one) for one in value] if isinstance(value, list | tuple) else value
