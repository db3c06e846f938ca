"""What pgbouncer.ini says by PgBouncer's version and by how a service's gateway pools, on every platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.contract import Pooling
from servers.pgbouncer_versions import EXTRA_PARAMETERS, Version, keeps_prepared

MONITOR = "gateway_monitor"
"""Who may look at PgBouncer's console (`stats_users`), and do nothing there."""
CLEAN = (
    "CLOSE ALL",
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "UNLISTEN *",
    "SELECT pg_catalog.pg_advisory_unlock_all()",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
)
"""DISCARD ALL but for what makes it dear: DISCARD PLANS has every function in PL/pgSQL planned anew, and
after DEALLOCATE ALL PgBouncer has to prepare a driver's statements again with each transaction."""
_PREPARED_GO = "DEALLOCATE ALL"
PREPARED = "200"
"""Statements that are kept prepared on each server connection (PgBouncer 1.24's default)."""


def settings(
    version: Version | None, pooling: Pooling, *, clean: bool, by_session: Sequence[str] = ()
) -> Mapping[str, str]:
    """Settings for a PgBouncer of `version` (None: not known, so as for the oldest).

    With `clean`, a server connection is cleaned whenever it changes hands. That needs a login whose role and
    search_path come from the server: what a statement of the gateway had set would be lost, too. `by_session`
    are the roles whose database of the same PgBouncer pools by session.
    """
    prepared = keeps_prepared(version)
    found = {
        "pool_mode": pooling,
        "server_reset_query": cleaning(kept=prepared and clean and pooling == "transaction", but=by_session),
        "server_reset_query_always": "1" if clean else "0",
        # Only what does no harm is dropped: from PostgreSQL 12 on, 1 (the default), 2 and 3, which pgjdbc and
        # lib/pq send, print the same. All else that cannot be kept is refused by name.
        "ignore_startup_parameters": "extra_float_digits",
    }
    if prepared:
        found["max_prepared_statements"] = PREPARED
    if version is not None and version >= EXTRA_PARAMETERS:
        # What a server reports is kept for each client: a session's READ ONLY is (PostgreSQL 14 and newer).
        found["track_extra_parameters"] = "IntervalStyle,default_transaction_read_only"
    return found


def cleaning(*, kept: bool, but: Sequence[str]) -> str:
    """The reset query. `kept`: what drivers prepared is PgBouncer's own, and stays, but for these logins:
    where it pools by session, PgBouncer does not know what is prepared, and the next client would trip over
    it."""
    if not kept:
        return "; ".join((*CLEAN, _PREPARED_GO))
    if not but:
        return "; ".join(CLEAN)
    names = ", ".join(_quoted(name) for name in but)
    body = f"BEGIN IF session_user IN ({names}) THEN {_PREPARED_GO}; END IF; END"
    return "; ".join((*CLEAN, f"DO {_quoted(body)}"))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
