"""The shared database's schema, dumped once for all services of a run."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.sessions.connections import Database
from core.sessions.left_files import own_prefix, remove_left
from migration.schema.dump import SchemaDump, dump_schema

_DUMPS = "waqiti-schema-"


class SchemaDumps:
    """The shared database's schema, dumped once for each major version of the targets.

    A dump is of the time of the plan that it goes with: DDL that comes later is found by the verification,
    which compares the schemas, too.
    """

    def __init__(self, source: Database, folder: Path) -> None:
        self._source = source
        self._folder = folder
        self._made: dict[int, SchemaDump] = {}

    def get(self, version: int) -> SchemaDump:
        """The dump for targets of this major version. Raises what `dump_schema` does."""
        if version not in self._made:
            self._made[version] = dump_schema(self._source, self._folder, version)
        return self._made[version]


@contextlib.contextmanager
def schema_dumps(source: Database) -> Iterator[SchemaDumps]:
    """Dumps that are removed when the context ends, and those that a killed process left."""
    remove_left(_DUMPS)
    with tempfile.TemporaryDirectory(prefix=own_prefix(_DUMPS)) as folder:
        yield SchemaDumps(source, Path(folder))
