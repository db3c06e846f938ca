"""The configuration files of a data folder, given to another one."""

from __future__ import annotations

from pathlib import Path

from operations.restore.scratch import ORIGINALS
from servers import osuser
from servers.postgres import CONFIGURATION

CONFIGURED = ("postgresql.conf", CONFIGURATION, "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")


def configure_as(source: Path, data: Path) -> None:
    """Give `data` the configuration of the data folder `source`; the backup's own where that has none."""
    for name in CONFIGURED:
        original = source / name if source != data else data / f"{name}.{ORIGINALS}"
        if not original.exists():
            original = data / f"{name}.{ORIGINALS}"
        if original.exists():
            osuser.write_private(data / name, original.read_text(encoding="utf-8"))
    for name in CONFIGURED:
        (data / f"{name}.{ORIGINALS}").unlink(missing_ok=True)
