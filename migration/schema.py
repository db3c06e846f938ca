"""The schema's way to a service's own database: dump once, create before the rows, build after them.

`dump_schema` (once for all services of one major version), then for each service `create_schema`, the copy
of its rows, `build_indexes`. Every part can be run again after a crash; `drop_schema_on_target` takes back
what was made, and nothing else. `read_target` tells the plan what a service's own database is.
"""

from migration.schema_create import build_indexes, create_schema, service_script
from migration.schema_dump import SchemaDump, dump_schema
from migration.schema_target import drop_schema_on_target, read_target

__all__ = [
    "SchemaDump",
    "build_indexes",
    "create_schema",
    "drop_schema_on_target",
    "dump_schema",
    "read_target",
    "service_script",
]
