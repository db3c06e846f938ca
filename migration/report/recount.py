"""Takes the digests of the evidence again, in the databases as they are, and says what is not as it was said.

What must be exactly the same: what the journal has of each comparison, and each table of a copy that nobody
writes to any more (a finished service's old copy; the shared database's side of a service that was moved with
its writes stopped). A service that is served goes on writing: tables that differ from the evidence there are
compared again, both sides at one instant, as long as one follows the other. Nothing is written but
replication's heartbeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psycopg import sql

from components.contract import Contract, Service
from core.evidence.chain import Entry, Kind
from core.evidence.lookup import newest
from core.names import TableName
from core.rows.digest import Digest, image, typed
from core.sessions.connections import Database
from core.sessions.stack import source_database, target_database
from migration.examine.read_plan import read_plan
from migration.journal.evidence import verified_facts
from migration.journal.states import State
from migration.replicate.flow import Direction
from migration.steps.context import OnlineMove
from migration.steps.runner import Runner
from migration.switch.live import verify_live
from migration.verify.model import Totals
from migration.verify.scan import Reader

Tables = Mapping[str, Mapping[str, Any]]
"""By name: `rows`, `digest`."""
_FOLLOWS: Mapping[str, Direction] = {State.FOLLOWING: "forward", State.MOVED: "back"}


class Found(StrEnum):
    """What became of what the evidence says."""

    SAME = "the same"
    EQUAL = "written since, and equal on both sides"
    WRITTEN = "written since"
    GONE = "not there any more: somebody dropped it"
    WRONG = "NOT as the evidence says"

    @property
    def good(self) -> bool:
        """Whether the evidence holds."""
        return self is not Found.WRONG


@dataclass(frozen=True)
class Finding:
    """Of one thing that the evidence says."""

    service: str
    where: str
    tables: int
    rows: int
    found: Found
    details: tuple[str, ...] = ()
    """Tables that are not the same, one line each."""

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {**vars(self), "found": self.found.value, "good": self.found.good, "details": [*self.details]}


@dataclass
class Recount:
    """What recounting works with; the operator's lock is held meanwhile, so that nobody moves anything."""

    contract: Contract
    entries: Sequence[Entry]
    runner: Runner
    workers: int

    def run(self) -> Iterator[Finding]:
        """One finding after the other. Raises what connecting and reading raise."""
        for service in self.contract.services.values():
            yield from self._journal(service)
            archived = newest(self.entries, Kind.ARCHIVED, service.name)
            if archived is not None and archived.facts.get("schema"):
                yield self._old_copy(service, archived.facts)
            verified = newest(self.entries, Kind.VERIFIED, service.name)
            if verified is not None and verified.facts.get("equal"):
                yield from self._verified(service, verified.facts)

    def _journal(self, service: Service) -> Iterator[Finding]:
        """Each comparison, as the journal has it."""
        told = [one for one in self.entries if one.kind == Kind.VERIFIED and one.service == service.name]
        if not told:
            return
        kept = self.runner.journal.verdicts(service.name)
        wrong = []
        for one in told:
            verdict = kept.get(one.facts["made"])
            if verdict is None:
                wrong.append(f"entry {one.number}: the journal has no comparison of {one.facts['made']}")
            elif verified_facts(verdict) != one.facts:
                wrong.append(f"entry {one.number}: the journal says otherwise of {one.facts['made']}")
        yield Finding(
            service.name,
            "the journal's comparisons",
            len(told),
            0,
            Found.WRONG if wrong else Found.SAME,
            tuple(wrong),
        )

    def _old_copy(self, service: Service, facts: Mapping[str, Any]) -> Finding:
        return self._exact(service, facts, source_database(self.contract), f"the old copy {facts['schema']}")

    def _exact(self, service: Service, facts: Mapping[str, Any], database: Database, where: str) -> Finding:
        found = digests(database, facts["tables"], facts.get("function", "hashtextextended"))
        if facts["tables"] and not found:
            # An old copy is dropped by hand one day, whole.
            return _finding(service, where, facts, Found.GONE)
        details = tuple(_differences(facts["tables"], found))
        return _finding(service, where, facts, Found.WRONG if details else Found.SAME, details)

    def _verified(self, service: Service, facts: Mapping[str, Any]) -> Iterator[Finding]:
        move = self.runner.journal.last_move(service.name)
        state = "" if move is None else move.state
        source, target = source_database(self.contract), target_database(service)
        if move is not None and (move.mode, state) == ("offline", State.MOVED):
            yield self._exact(service, facts, source, "the shared database, closed since")
        elif state in _FOLLOWS:
            yield self._both(service, facts, _FOLLOWS[state])
            return
        if state in {State.MOVED, State.FINISHED, State.FINISHING}:
            found = digests(target, facts["tables"], facts["function"], renamed=_names(service))
            details = tuple(_differences(facts["tables"], found))
            yield _finding(
                service, "its own database", facts, Found.WRITTEN if details else Found.SAME, details
            )

    def _both(self, service: Service, facts: Mapping[str, Any], direction: Direction) -> Finding:
        where = "both sides"
        sides = (source_database(self.contract), target_database(service))
        taken = [digests(side, facts["tables"], facts["function"]) for side in sides]
        if not any(list(_differences(facts["tables"], one)) for one in taken):
            return _finding(service, where, facts, Found.SAME)
        move = self.runner.journal.last_move(service.name)
        if move is None:
            raise AssertionError("a service that follows has a move")
        context = OnlineMove(
            contract=self.contract, service=service, plan=read_plan(self.contract, [service]),
            journal=self.runner.journal, move=move, progress=self.runner.progress,
            stop=self.runner.interruption.stop, workers=self.workers,
        )  # fmt: skip
        compared = verify_live(context, direction)
        details = tuple(str(table.table) for table in compared.tables if not table.equal)
        found = Found.WRONG if details else Found.EQUAL
        return Finding(service.name, where, len(compared.tables), compared.rows, found, details)


def digests(
    database: Database, tables: Tables, function: str, renamed: Mapping[str, Sequence[str]] | None = None
) -> dict[str, dict[str, Any]]:
    """Rows and digest of each of these tables as they are now, in one snapshot; those not there are left out.

    `renamed`: the schemas in which a schema's tables may be found, the first that has them.
    """
    names = {text: TableName.parse(text) for text in tables}
    digest = Digest("md5" if function == "md5" else "hashtextextended")
    found: dict[str, dict[str, Any]] = {}
    with closing(Reader(database, None)) as reader:
        places = {
            text: [
                TableName(schema, name.name) for schema in (renamed or {}).get(name.schema, (name.schema,))
            ]
            for text, name in names.items()
        }
        shapes = reader.shapes([place for several in places.values() for place in several])
        for text, several in places.items():
            place = next((one for one in several if one in shapes), None)
            if place is None:
                continue
            shape = shapes[place]
            relation = sql.SQL("" if shape.kind == "p" else "ONLY ") + place.identifier()
            asked = digest.totals(image(typed(shape.columns, shape.bytes)), relation)
            with database.translated(f"reading {place}"):
                row = reader.coordinator.execute(asked).fetchone()
            if row is None:
                raise AssertionError("an aggregate without GROUP BY gives one row")
            totals = Totals(row[0], int(row[1]), int(row[2]))
            found[text] = {"rows": totals.rows, "digest": totals.digest}
    return found


def _names(service: Service) -> dict[str, list[str]]:
    own = [service.own_schema] if service.own_schema else []
    return {service.schema_name: [*own, service.schema_name]}


def _differences(said: Tables, found: Tables) -> Iterator[str]:
    for name, one in said.items():
        now = found.get(name)
        if now is None:
            yield f"{name} is not there"
        elif now != {"rows": one["rows"], "digest": one["digest"]}:
            yield f"{name}: {one['rows']:,} rows then, {now['rows']:,} now, another digest"


def _finding(
    service: Service, where: str, facts: Mapping[str, Any], found: Found, details: tuple[str, ...] = ()
) -> Finding:
    return Finding(service.name, where, len(facts["tables"]), int(facts["rows"]), found, details)
