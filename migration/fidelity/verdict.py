"""The verdict on a service's schema: what differs, and the DDL that would make the target's equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.contract import Contract
from core.errors import VerificationFailed
from core.sessions.connections import Database
from migration.fidelity.compare import compare_schemas
from migration.fidelity.model import Difference
from migration.fidelity.repair import repair
from migration.plan.model import Plan
from migration.schema.create import service_script
from migration.schema.dumps import schema_dumps


@dataclass(frozen=True)
class SchemaVerdict:
    """How a service's schema on its own database compares with the shared database's."""

    service: str
    objects: int
    """How many the plan moves, parts included."""
    differences: tuple[Difference, ...]
    ddl: tuple[str, ...]
    """What would make the target equal, for a superuser there to read and run; without semicolons."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs but what the plan says."""
        return not self.differences

    def script(self) -> str:
        """The differences as comments, and the DDL, as a script for psql."""
        said = [f"-- {' '.join(str(difference).split())}" for difference in self.differences]
        done = [text if text.startswith("--") else f"{text};" for text in self.ddl]
        return "\n".join([f"-- {self.service}: {len(self.differences)} differences", *said, *done])

    def require(self) -> None:
        """Raise VerificationFailed, with the first differences, unless there is none."""
        if self.equal:
            return
        shown = "; ".join(str(difference) for difference in self.differences[:3])
        more = len(self.differences) - 3
        raise VerificationFailed(
            f"the schema of {self.service} on its own database is not the shared database's: {shown}"
            + (f"; and {more} more" if more > 0 else "")
            + "; the DDL that would make it equal is on standard output: read it, then run it there"
        )

    def as_json(self) -> dict[str, Any]:
        """The verdict with JSON types only."""
        return {
            "equal": self.equal,
            "objects": self.objects,
            "differences": [difference.as_json() for difference in self.differences],
            "ddl": list(self.ddl),
        }


def verify_schema(
    contract: Contract, plan: Plan, name: str, source: Database, target: Database
) -> SchemaVerdict:
    """Compare the schema of the service `name`, owners and privileges included; touches nothing.

    Raises what `compare_schemas` raises, and, where something differs, what `dump_schema` does.
    """
    own = plan.services[name]
    service = contract.services[name]
    differences = compare_schemas(source, target, plan, name, contract)
    ddl: tuple[str, ...] = ()
    if differences:
        with schema_dumps(source) as dumps:
            script = service_script(contract, plan, name, dumps.get(service.version))
        ddl = repair(differences, service, own, plan.catalog, script)
    return SchemaVerdict(name, len(own.objects), differences, ddl)
