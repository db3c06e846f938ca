"""A backup in the object store is restored where nobody reaches it, and looked at to the last row."""

from __future__ import annotations

import threading
import time
from contextlib import closing

from psycopg import Error, sql

from core.errors import ProofFailed
from core.sessions.connections import Database
from operations.backup import catalogue
from operations.object_store.archive import StoredBackups
from operations.object_store.restore import remove, restore
from operations.proof.attempt import Clock, Compare, Step, attempt, timed
from operations.proof.prove import row_digests
from operations.proof.results import Proof
from operations.restore.restore import TIMEOUT_SECONDS, Restored
from operations.restore.target import Target
from servers import paths

BESIDE = "proof"
"""Behind the name of the service's own cluster."""
_TABLES = """
SELECT c.oid, n.nspname::text, c.relname::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'm', 't', 'S') AND c.relpersistence = 'p'
   AND (c.relkind = 'S' OR c.relam = (SELECT oid FROM pg_catalog.pg_am WHERE amname = 'heap'))
 ORDER BY 2, 3
"""
_INDEXES = """
SELECT c.oid, n.nspname::text, c.relname::text
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  JOIN pg_catalog.pg_am a ON a.oid = c.relam
 WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisready AND i.indisvalid
 ORDER BY 2, 3
"""


def prove(
    archive: StoredBackups,
    begun: Step,
    *,
    target: Target | None = None,
    compare: Compare | None = None,
    stop: threading.Event | None = None,
) -> Proof:
    """Restore the newest backup (or the one that leads to `target`) and check it; the result is kept.

    WAL to the target, every heap tuple against every index (amcheck), every row's digest; what is read has
    its checksums compared. Raises ProofFailed for what is wrong with it, NoSuchBackup.
    """
    paths.make_private(archive.kept.folder)
    paths.make_private(archive.kept.state)
    cluster = f"{archive.stored.cluster}-{BESIDE}"
    return attempt(
        archive.kept,
        catalogue.whole(archive.backups()),
        lambda: remove(archive, cluster),
        lambda clock: _prove(archive, cluster, begun, target or Target(), compare, clock, stop),
    )


def _prove(  # noqa: PLR0917 (one call)
    archive: StoredBackups,
    cluster: str,
    begun: Step,
    target: Target,
    compare: Compare | None,
    clock: Clock,
    stop: threading.Event | None,
) -> Proof:
    restored: Restored = restore(archive, target, cluster, begun, timeout=TIMEOUT_SECONDS)
    clock.update(restored.seconds)
    database = archive.database(cluster, archive.service.instance.database)
    compared = compare(database) if compare is not None else 0
    timed(clock, begun, "amcheck", lambda: _amcheck(database))
    digests = timed(clock, begun, "digests", lambda: row_digests(database, archive.service.name, stop))
    point = target.point if compared else None
    return Proof(
        restored.backup,
        time.time(),
        True,
        "",
        restored.reached,
        digests.rows,
        len(digests.tables),
        point,
        clock,
    )


def _amcheck(database: Database) -> None:
    """What pg_amcheck --heapallindexed asks, which is not in the image of every instance."""
    with closing(database.connect(application_name="waqiti-proof")) as session:
        with database.translated("looking for damage"):
            session.execute("CREATE EXTENSION IF NOT EXISTS amcheck WITH SCHEMA pg_catalog")
            tables = session.execute(_TABLES.encode()).fetchall()
            indexes = session.execute(_INDEXES.encode()).fetchall()
        for oid, schema, table in tables:
            query = sql.SQL("SELECT msg FROM pg_catalog.verify_heapam({}::pg_catalog.regclass) LIMIT 1")
            try:
                row = session.execute(query.format(sql.Literal(oid))).fetchone()
            except Error as error:
                row = (str(error).strip(),)
            if row is not None:
                raise ProofFailed(f"{schema}.{table} is damaged: {' '.join(str(row[0]).split())}")
        for oid, schema, index in indexes:
            query = sql.SQL("SELECT pg_catalog.bt_index_check({}::pg_catalog.regclass, true)")
            try:
                session.execute(query.format(sql.Literal(oid)))
            except Error as error:
                raise ProofFailed(f"{schema}.{index} is damaged: {' '.join(str(error).split())}") from None
