"""A backup is restored where nobody reaches it, and looked at to the last block and row."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import closing

from core.errors import ProofFailed
from core.points.digests import Rows, digest_all
from core.points.model import ServiceDigest
from core.sessions.connections import Database
from operations.backup import catalogue
from operations.backup.archive import Archive
from operations.proof.attempt import Clock, Compare, Step, attempt, timed
from operations.proof.results import Proof
from operations.restore.restore import TIMEOUT_SECONDS, Restored, restore
from operations.restore.scratch import Scratch, scratch_of
from operations.restore.target import Target
from servers import osuser

FOLDER = "proof"
_SCHEMAS = """
SELECT nspname::text FROM pg_catalog.pg_namespace
 WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1
"""


def prove(
    archive: Archive,
    begun: Step,
    *,
    target: Target | None = None,
    compare: Compare | None = None,
    stop: threading.Event | None = None,
) -> Proof:
    """Restore the newest backup (or the one that leads to `target`) and check it; the result is kept.

    Every file against its manifest, WAL to the target, pg_amcheck with every heap tuple against every index,
    every row's digest, pg_checksums. Raises ProofFailed for what is wrong with it, NoSuchBackup, KeyMissing.
    """
    folder = archive.folder / FOLDER
    return attempt(
        archive,
        catalogue.whole(catalogue.backups(archive)),
        lambda: _remove(scratch_of(archive, folder)),
        lambda clock: _prove(archive, scratch_of(archive, folder), begun, target, compare, clock, stop),
    )


def _prove(  # noqa: PLR0917 (one call)
    archive: Archive,
    scratch: Scratch,
    begun: Step,
    target: Target | None,
    compare: Compare | None,
    clock: Clock,
    stop: threading.Event | None,
) -> Proof:
    restored: Restored = restore(archive, target or Target(), scratch.folder, begun, timeout=TIMEOUT_SECONDS)
    clock.update(restored.seconds)
    database = scratch.database(archive.database)
    compared = compare(database) if compare is not None else 0
    timed(clock, begun, "amcheck", lambda: _amcheck(archive, scratch))
    digests = timed(clock, begun, "digests", lambda: row_digests(database, archive.service, stop))
    scratch.server.stop()
    timed(clock, begun, "checksums", lambda: _checksums(archive, scratch))
    return Proof(
        restored.backup, time.time(), True, "", restored.reached, digests.rows, len(digests.tables),
        target.point if target is not None and compared else None, clock,
    )  # fmt: skip


def _amcheck(archive: Archive, scratch: Scratch) -> None:
    database = scratch.database(archive.database)
    done = osuser.run(
        [
            archive.binaries / "pg_amcheck", "--host", database.endpoint.host,
            "--port", str(database.endpoint.port), "--username", database.login.name, "--no-password",
            "--database", archive.database, "--install-missing", "--heapallindexed",
        ],
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()
        raise ProofFailed(f"pg_amcheck found damage: {'; '.join(line.strip() for line in said[:2])}")


def row_digests(database: Database, service: str, stop: threading.Event | None) -> ServiceDigest:
    """The digest of every row of every schema of a database. Raises what `digest_all` does."""
    with closing(database.connect()) as session:
        schemas = [str(name) for (name,) in session.execute(_SCHEMAS.encode()).fetchall()]
    tables: dict[str, ServiceDigest] = {}
    for schema in schemas:
        found = digest_all([Rows(service, database, [schema], None)], stop or threading.Event())
        tables[schema] = found[service]
    merged = {name: one for digest in tables.values() for name, one in digest.tables.items()}
    first = next(iter(tables.values()))
    return first.model_copy(update={"tables": merged})


def _checksums(archive: Archive, scratch: Scratch) -> None:
    done = osuser.run([archive.binaries / "pg_checksums", "--check", "--pgdata", scratch.data], check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ProofFailed(f"pg_checksums found damage: {'; '.join(said[:2])}")


def _remove(scratch: Scratch) -> None:
    if scratch.data.exists():
        scratch.server.stop("immediate")
    shutil.rmtree(scratch.folder, ignore_errors=True)
