"""Gates: what is in the tables, and whether the schema is still the one that was copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from core.errors import SchemaChanged
from core.progress.units import size
from core.sessions.queries import queries
from core.sessions.session import Connection
from migration.copy.large_objects import referenced_large_objects
from migration.fidelity.compare import compare_schemas
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check
from migration.guards.changes import read_watch, schema_changes
from migration.journal.journal import read_last_verification, read_steps
from migration.plan.checks import enable_statement, fires_on_replicated_rows
from migration.traffic.queries import of_service
from migration.traffic.read import crossings, read_ran

query = queries(__package__)

_UNNOTED = ", unless somebody changed the shared database's meanwhile: then `abort` and `start` again"


@check("schema", "cutover", "rollback")
def schema(scene: Scene) -> Iterator[Gate]:
    """Nobody has changed the service's schema since it was copied, and it arrived as it was."""
    records = read_steps(scene.there, scene.move) if scene.move else []
    began = read_watch(records)
    changes = schema_changes(scene.there, began) if began else []
    if changes:
        yield Gate(
            "schema",
            "no-go",
            f"{len(changes)} changes since the start, the first: {changes[0]}",
            "none",
            "`abort` and `start` again, and hold back schema changes while the service moves",
            error=SchemaChanged,
        )
        return
    differences = compare_schemas(scene.source, scene.target, scene.plan, scene.name, scene.contract)
    noted = began is not None and began.after >= 0
    yield judged(
        "schema",
        bool(differences),
        f"{len(differences)} differences, the first: {differences[0]}"
        if differences
        else f"unchanged ({'statements are noted' if noted else 'compared: noting takes a superuser'})",
        f"`verify --schema {scene.name}` lists them, with the DDL that makes its own database's schema equal:"
        f" read it and run it there. A new start would make the same again{'' if noted else _UNNOTED}",
        limit="none",
        error=SchemaChanged,
    )


@check("unlogged", "start", "cutover")
def unlogged(scene: Scene) -> Iterator[Gate]:
    """No table is outside of the WAL: its rows would not follow."""
    names = [str(table.name) for table in scene.own.relations if table.unlogged]
    yield judged(
        "unlogged",
        bool(names),
        ", ".join(names[:5]) if names else "none",
        f"`{'; '.join(f'ALTER TABLE {name} SET LOGGED' for name in names)}` in the shared database, or move"
        " the service with `run --stop-writes`",
        limit="none",
    )


@check("always-triggers", "start")
def always_triggers(scene: Scene) -> Iterator[Gate]:
    """No trigger of the service fires on replicated rows: what it does would be done twice."""
    objects = (scene.plan.catalog.objects[key] for key in scene.own.objects)
    found = sorted(
        (item for item in objects if item.kind == "trigger" and fires_on_replicated_rows(item)),
        key=lambda item: item.identity,
    )
    names = [item.identity for item in found]
    yield judged(
        "always-triggers",
        bool(names),
        ", ".join(names[:5]) if names else "none",
        f"`{'; '.join(enable_statement(item) for item in found)}` in the shared database, or move the service"
        " with `run --stop-writes`",
        limit="none",
    )


@check("replica-identity", "start", "cutover")
def replica_identity(scene: Scene) -> Iterator[Gate]:
    """Updates and deletes can be found again on the other side."""
    if scene.stage == "cutover":
        bare = [
            row[0]
            for row in scene.there.execute(
                query("no_identity"), {"schema": scene.service.schema_name}
            ).fetchall()
        ]
        yield judged(
            "replica-identity",
            bool(bare),
            f"none on {', '.join(bare[:5])}" if bare else "settled on every table",
            "somebody took it away since the start: `abort` and `start` again",
            limit="every table",
        )
    whole = [table for table in scene.tables if table.key is None]
    large = [table for table in whole if table.bytes > scene.limits.full_identity_bytes]
    said = ", ".join(f"{table.name} ({size(table.bytes)})" for table in (large or whole)[:3])
    yield judged(
        "replica-identity",
        bool(large),
        f"{len(whole)} tables without a key{f': {said}' if said else ''}",
        "each update or delete there searches the whole table on the other side: give it a primary key",
        limit=f"none over {size(scene.limits.full_identity_bytes)}",
        otherwise="warn",
    )


@check("large-objects", "start", "cutover", "rollback")
def large_objects(scene: Scene) -> Iterator[Gate]:
    """Large objects are not replicated: they are compared, and carried over, inside the pause."""
    _, connection = scene.writable
    oids = referenced_large_objects(connection, scene.own.large_object_columns)
    found = _large_object_bytes(connection, oids)
    limit = scene.limits.large_object_bytes
    yield judged(
        "large-objects",
        found > limit,
        f"{len(oids)} of {size(found)}",
        "the pause would grow with them: move them into bytea columns, or use `run --stop-writes`",
        limit=size(limit),
        overridable=True,
    )


@check("verification", "cutover")
def verification(scene: Scene) -> Iterator[Gate]:
    """The newest comparison found nothing and is not old; the cutover makes a new one anyway."""
    verdict = read_last_verification(scene.there, scene.move) if scene.move else None
    minutes = None
    if verdict is not None:
        made = datetime.fromisoformat(verdict["made"])
        minutes = (datetime.now(UTC) - made).total_seconds() / 60
    limit = scene.limits.verification_minutes
    fine = verdict is not None and verdict["equal"] and minutes is not None and minutes <= limit
    said = "none yet"
    if verdict is not None:
        equal = "equal" if verdict["equal"] else "differs"
        said = f"{equal}, {verdict['rows']:,} rows, {minutes:.0f} minutes ago"
    yield judged(
        "verification",
        not fine,
        said,
        "the cutover verifies again before it begins; `verify` does it now",
        limit=f"equal, at most {limit:g} minutes ago",
        otherwise="warn",
    )


@check("runtime-queries", "cutover")
def runtime_queries(scene: Scene) -> Iterator[Gate]:
    """No statement of the applications joins the service with another, or uses what is dropped."""
    with scene.source.translated("reading pg_stat_statements"):
        ran = read_ran(scene.there, scene.contract)
        judge = crossings(scene.contract, scene.plan.catalog, scene.there)
    if ran.advice:
        # No no-go: loading it restarts the server that everybody shares, which is not ours to ask for.
        yield Gate("runtime-queries", "unknown", "pg_stat_statements cannot be read", "none", ran.advice)
        return
    found = list(of_service(judge.judge(ran.statements), scene.name))
    left = [query for query in found if not query.reason]
    since = f" since {ran.since:%Y-%m-%d %H:%M} UTC" if ran.since else ""
    figure = f"{len(left)} of {len(ran.statements)} statements{since}"
    if left:
        figure += f", the first, {left[0].calls:,} times by {left[0].role}: {left[0].text[:120]}"
    elif found:
        figure += f"; {len(found)} allowed by services.yaml"
    yield judged(
        "runtime-queries",
        bool(left),
        figure,
        f"`queries {scene.name}` lists them: change them, or allow them in services.yaml; once they are"
        " changed, SELECT pg_stat_statements_reset()",
        limit="none",
        overridable=True,
    )


def _large_object_bytes(connection: Connection, oids: Sequence[int]) -> int:
    if not oids:
        return 0
    row = connection.execute(query("large_objects"), {"oids": list(oids)}).fetchone()
    return int(row[0]) if row else 0


DATA: tuple[Check, ...] = (
    unlogged,
    always_triggers,
    replica_identity,
    large_objects,
    schema,
    verification,
    runtime_queries,
)
