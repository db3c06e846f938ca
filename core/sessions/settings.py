"""What every session of the migration sets, whatever its server, database or role says.

A parameter set there (`ALTER SYSTEM`, `ALTER DATABASE SET`, `ALTER ROLE SET`) is meant for applications.
Under it a session of ours may be cut off, read a value otherwise than it was written, or be shown fewer rows.
So all that our sessions depend on is said here, by purpose, and nowhere else:

- `COMMON`: of any session. Sent as it is opened (`startup_options`), which costs no round trip and outranks
  what server, database and role say; pg_dump and psql get the same.
- `SETTLED`: what not every version knows or not every role may set; `settle` sets what it can.
- `COMPARING`, `LOOKING`, `COPYING_OUT`, `COPYING_IN`, `MAKING`: on top of those, for one purpose.
- `SENDING`, `APPLYING`: of the processes at the ends of a subscription, which take no options from us;
  `migration.replicate.settings` lays them upon their roles.

docs/decisions/0067-settings-of-sessions.md tells why, and what is left out on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from psycopg import sql

from core.sessions.session import Connection

EXACT_TEXT: Final = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    # The shortest text that reads back exactly.
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmloption": "content",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "search_path": "",
}
"""A value is written alike everywhere and read as it was written; a name is printed with its schema."""

UNHURRIED: Final = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
"""Limits are for applications. Who must not wait for a lock for ever sets a limit of its own."""

_TRANSACTIONS: Final = {
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
}

COMMON: Final = {
    **{name: value for name, value in EXACT_TEXT.items() if name != "search_path"},
    **UNHURRIED,
    **_TRANSACTIONS,
    # What is committed is on the disk: the journal and the guards rest on it.
    "synchronous_commit": "on",
    # An error ends a statement, not the session.
    "exit_on_error": "off",
    # When we vanish, our locks go soon.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    # How the text of a statement is read.
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "escape_string_warning": "off",
    "transform_null_equals": "off",
    "client_min_messages": "warning",
    # Nothing is left out in silence: a policy that would hide rows is an error, a GIN index gives all it has.
    "row_security": "off",
    "gin_fuzzy_search_limit": "0",
    # What is made lies where an application's would by default.
    "default_tablespace": "",
    "default_table_access_method": "heap",
    # A plan that was forced for an application's sake may take hours over a catalogue.
    "jit": "off",
    "plan_cache_mode": "auto",
    "constraint_exclusion": "partition",
    "stats_fetch_consistency": "cache",
    **dict.fromkeys(
        ("enable_bitmapscan", "enable_hashagg", "enable_hashjoin", "enable_indexonlyscan", "enable_indexscan",
         "enable_material", "enable_mergejoin", "enable_nestloop", "enable_partition_pruning",
         "enable_seqscan", "enable_sort", "enable_tidscan"),
        "on",
    ),
}  # fmt: skip
"""Every supported version knows these, and any role may set them. The path is not among them: what we write
names its schema, and event triggers of theirs that do not are called as in any session of the role."""

SETTLED: Final = {
    "transaction_timeout": "0",
    "restrict_nonsystem_relation_kind": "",
    "createrole_self_grant": "",
    "session_replication_role": "origin",
    "temp_file_limit": "-1",
    # pg_dump and psql say what went wrong in words that are looked for.
    "lc_messages": "C",
    # What we run is not what the applications do, and takes none of their room there.
    "pg_stat_statements.track": "none",
}
"""Set after a session is opened, where they are known and the role may."""

COMPARING: Final = {
    **EXACT_TEXT,
    **UNHURRIED,
    "row_security": "off",
    "lock_timeout": "10s",
    "jit": "off",
    # A long scan is predictable.
    "max_parallel_workers_per_gather": "0",
}
"""A transaction that reads rows as text, to compare them."""

LOOKING: Final = {
    **COMPARING,
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "repeatable read",
    # A million values are sorted in memory, not on disk.
    "work_mem": "64MB",
}
"""A session that only looks."""

_COPYING: Final = {
    **EXACT_TEXT,
    **UNHURRIED,
    # Bounded: nobody but DDL conflicts with a copy.
    "lock_timeout": "60s",
    "client_min_messages": "error",
}

COPYING_OUT: Final = {
    **_COPYING,
    # Filtering rows silently would lose them; off makes row security an error instead.
    "row_security": "off",
    # A range must be a TID range scan, and one that starts at its first block.
    "enable_seqscan": "off",
    "enable_tidscan": "on",
    "max_parallel_workers_per_gather": "0",
    "synchronize_seqscans": "off",
    "jit": "off",
}
"""A session that reads what is copied."""

COPYING_IN: Final = {
    **_COPYING,
    # A table is recorded as copied right after its commit, so that must outlive a crash of the server.
    # It need not have reached a standby.
    "synchronous_commit": "local",
    "default_transaction_read_only": "off",
}
"""A session that writes what is copied."""

MAKING: Final = {
    "search_path": "",
    "check_function_bodies": "off",
    "lock_timeout": "60s",
    "synchronous_commit": "off",
}
"""A session that makes a schema, as pg_restore would. Commits need not be durable one by one: a checkpoint or
the last of them makes all before it durable, and what is lost in a crash is made again."""

SENDING: Final = {
    **{name: value for name, value in EXACT_TEXT.items() if name != "client_encoding"},
    **UNHURRIED,
    **_TRANSACTIONS,
}
"""Of a sender of changes. libpqwalreceiver sets DateStyle, IntervalStyle, extra_float_digits and the path
itself; lc_monetary it does not."""

SENDING_AS_OTHERS: Final = {
    "lc_monetary": "C",
    "lock_timeout": "0",
    "idle_session_timeout": "0",
}
"""The least of it, of a sender whose role is not ours alone."""

APPLYING: Final = {
    "lc_monetary": "C",
    "array_nulls": "on",
    "xmloption": "content",
    "lock_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
}
"""Of an apply worker: what it reads a value by, and what could stop it. Its other inputs are exact under any
setting: dates come as ISO with four-digit years, times with their offset, intervals with all their signs."""

TIMED: Final = {"transaction_timeout": "0"}
"""Of both ends, where the server knows it (17 and newer)."""


def startup_options(settings: Mapping[str, str] = COMMON) -> str:
    """The value of libpq's `options` (or PGOPTIONS) that sets these as a session is opened."""
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.items())


def settle(connection: Connection) -> None:
    """Set what could not be part of the startup: one round trip, in no transaction."""
    connection.execute(_settle())


def use(connection: Connection, settings: Mapping[str, str], *, local: bool = False) -> None:
    """Set these for the session, or (`local`) for the current transaction; one round trip."""
    connection.execute(_set_configs(settings, local))


def as_statements(settings: Mapping[str, str]) -> sql.Composed:
    """`SET` for each, for a script of psql's."""
    return sql.SQL("; ").join(
        sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in settings.items()
    )


def known(settings: Mapping[str, str], server_version: int) -> dict[str, str]:
    """These and `TIMED` where a server knows it; `server_version` is, for example, 150018."""
    return {**settings, **(TIMED if server_version >= 170000 else {})}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _set_configs(settings: Mapping[str, str], local: bool) -> sql.Composed:
    return sql.SQL("SELECT {}").format(
        sql.SQL(", ").join(
            sql.SQL("pg_catalog.set_config({}, {}, {})").format(name, value, local)
            for name, value in settings.items()
        )
    )


def _settle() -> sql.Composed:
    listed = sql.SQL(", ").join(sql.SQL("({}, {})").format(name, value) for name, value in SETTLED.items())
    return sql.SQL(
        "SELECT pg_catalog.set_config(name, value, false) FROM (VALUES {}) AS settled (name, value)"
        " WHERE pg_catalog.current_setting(name, true) <> value"
        " AND pg_catalog.has_parameter_privilege(name, 'SET')"
    ).format(listed)
