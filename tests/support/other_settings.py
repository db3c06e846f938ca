"""Another value for each parameter that an application may have set: made from what the server says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

LEFT_OUT = {
    "application_name": "a session of ours says its own, and the test's are told by it",
    "allow_in_place_tablespaces": "for developers of PostgreSQL",
    "allow_system_table_mods": "lets a session damage the catalogue",
    "backtrace_functions": "names functions of the server's own source",
    "debug_discard_caches": "for developers of PostgreSQL, and not in this build",
    "dynamic_library_path": "no server finds its libraries elsewhere",
    "ignore_checksum_failure": "hides damage",
    "jit_dump_bitcode": "writes files",
    "local_preload_libraries": "names a library of the server's",
    "max_stack_depth": "100 kB are too little for any application",
    "restrict_nonsystem_relation_kind": "an application could read no view",
    "session_preload_libraries": "names a library of the server's",
    "session_replication_role": "switches an application's triggers off, and the guards with them",
    "transaction_deferrable": "of a transaction, not of a session",
    "transaction_isolation": "of a transaction, not of a session",
    "transaction_read_only": "of a transaction, not of a session",
    "track_activities": "nobody could tell whether an application still works",
    "event_triggers": "nobody could note a change of the schema; that is a gate's to say",
    "wal_consistency_checking": "for developers of PostgreSQL",
    "zero_damaged_pages": "loses what is damaged",
}
"""Parameters that no move has to bear, and why."""
DEVELOPERS = ("debug_", "trace_")
"""How parameters for the developers of PostgreSQL begin."""

NAMED = {
    "DateStyle": "German, DMY",
    "TimeZone": "Asia/Kathmandu",
    "client_encoding": "LATIN1",
    "client_min_messages": "error",
    "createrole_self_grant": "set, inherit",
    # Who looks for a deadlock first is ended by it; the migration looks after 5 ms.
    "deadlock_timeout": "50ms",
    "default_table_access_method": "heap",
    "default_tablespace": "pg_default",
    "default_text_search_config": "pg_catalog.german",
    "icu_validation_level": "error",
    "lc_messages": "C.utf8",
    "lc_monetary": "C.utf8",
    "lc_numeric": "C.utf8",
    "lc_time": "C.utf8",
    "log_min_error_statement": "fatal",
    "log_min_messages": "error",
    "search_path": "nowhere, pg_catalog",
    "temp_file_limit": "1GB",
    "temp_tablespaces": "pg_default",
    "timezone_abbreviations": "India",
    "tcp_user_timeout": "10s",
    **dict.fromkeys(
        (
            "idle_in_transaction_session_timeout",
            "idle_session_timeout",
            "lock_timeout",
            "statement_timeout",
            "transaction_timeout",
        ),
        "300ms",
    ),
}
"""Values of those that pg_settings has no values of, or whose smallest would stop any application."""

FOR_APPLICATIONS = {
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "lock_timeout": "0",
    "statement_timeout": "0",
    "transaction_timeout": "0",
}
"""What its role sets against the server and the database, because it could not work otherwise."""


@dataclass(frozen=True)
class Parameter:
    """A row of pg_settings."""

    name: str
    setting: str
    kind: str
    choices: list[str] | None
    least: str | None
    most: str | None

    def other(self) -> str:
        """A value that it has not by default. Raises AssertionError where none is known."""
        if self.name in NAMED:
            return NAMED[self.name]
        if self.kind == "bool":
            return "off" if self.setting == "on" else "on"
        if self.kind == "enum" and self.choices:
            return next(choice for choice in self.choices if choice != self.setting)
        if self.kind in {"integer", "real"} and self.least is not None:
            return (
                self.least
                if float(self.setting) != float(self.least)
                else str(max(1, int(float(self.least))))
            )
        raise AssertionError(
            f"say in NAMED what other value {self.name} can have, or in LEFT_OUT why it has none"
        )


def parameters(connection: psycopg.Connection[Any]) -> list[Parameter]:
    """Those that a user or a superuser may set, but for what is left out."""
    rows = connection.execute(
        "SELECT name, boot_val, vartype, enumvals, min_val, max_val FROM pg_settings"
        " WHERE context IN ('user', 'superuser') AND name NOT LIKE '%.%' ORDER BY name"
    )
    return [
        Parameter(name, boot or "", *rest)
        for name, boot, *rest in rows.fetchall()
        if name not in LEFT_OUT and not name.startswith(DEVELOPERS)
    ]
