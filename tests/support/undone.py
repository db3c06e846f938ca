"""What a database holds that did not come with the server: as much before a start as after its undoing."""

from __future__ import annotations

from core.sessions.connections import Database

_CLASSES = (
    "pg_namespace", "pg_class", "pg_type", "pg_proc", "pg_operator", "pg_opclass", "pg_opfamily",
    "pg_collation", "pg_conversion", "pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template",
    "pg_cast", "pg_transform", "pg_statistic_ext", "pg_extension", "pg_language", "pg_am",
    "pg_foreign_data_wrapper", "pg_foreign_server", "pg_publication", "pg_event_trigger", "pg_constraint",
    "pg_trigger", "pg_rewrite", "pg_policy", "pg_default_acl",
)  # fmt: skip
_FIRST_NORMAL = 16384
"""Below are the objects of initdb (PostgreSQL's src/include/access/transam.h)."""


def objects_in(database: Database) -> set[str]:
    """Every object but those of this program's own schema, of TOAST and of extensions."""
    listed = " UNION ALL ".join(
        f"SELECT '{name}'::regclass::oid AS classid, oid FROM {name} WHERE oid >= {_FIRST_NORMAL}"  # noqa: S608
        for name in _CLASSES
    )
    with database.connect() as connection:
        rows = connection.execute(
            f"SELECT i.type || ' ' || i.identity FROM ({listed}) o,"  # noqa: S608 (constants)
            " LATERAL pg_identify_object(o.classid, o.oid, 0) i"
            " WHERE i.identity !~ '(pg_toast|waqiti_migration)' AND NOT EXISTS (SELECT FROM pg_depend d WHERE"
            " d.classid = o.classid AND d.objid = o.oid AND d.deptype = 'e')".encode()
        )
        return {row[0] for row in rows}
