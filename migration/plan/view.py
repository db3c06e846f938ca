"""The plan for people (rich), for scripts (JSON) and as a picture of what depends on what (Mermaid). Pure."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from core.progress.units import size
from core.services_yaml import block
from migration.boundary.edges import Edge
from migration.catalog.tables import Table
from migration.plan.model import Plan, Problem, ServicePlan

_LARGEST_SHOWN = 10


def plan_view(plan: Plan) -> RenderableType:
    """Tables for a terminal: services, largest tables, what crosses, what is left, what forbids."""
    parts: list[RenderableType] = [_services(plan), _largest(plan)]
    edges = [edge for service in plan.services.values() for edge in service.edges]
    if edges:
        parts.append(_edges(edges))
    if plan.unclaimed:
        parts.append(_list("Claimed by no service, stays in the shared database", plan.unclaimed))
    notes = [problem for problem in plan.all_problems if problem.severity == "note"]
    if notes:
        parts.append(_list("To know", tuple(_where(problem) for problem in notes)))
    parts.append(_verdict(plan))
    return Group(*parts)


def _services(plan: Plan) -> Grid:
    grid = Grid(title="What moves, largest first", title_justify="left")
    for name in ("service", "schema"):
        grid.add_column(name)
    for name in ("tables", "rows (about)", "size", "indexes", "objects", "crossing", "no-gos"):
        grid.add_column(name, justify="right")
    for service in plan.services.values():
        no_go = sum(problem.severity == "no-go" for problem in service.problems)
        grid.add_row(
            service.service,
            service.schema,
            str(len(service.tables)),
            f"{service.estimated_rows:,}",
            size(service.bytes),
            size(sum(table.index_bytes for table in service.tables)),
            str(len(service.objects)),
            str(len(service.edges)),
            Text(str(no_go), style="bold red" if no_go else "green"),
        )
    return grid


def _largest(plan: Plan) -> Grid:
    tables = sorted(
        ((table, service.service) for service in plan.services.values() for table in service.tables),
        key=lambda pair: -pair[0].bytes,
    )
    grid = Grid(title=f"Largest tables (of {len(tables)}), in the order of copying", title_justify="left")
    for name in ("table", "service", "key"):
        grid.add_column(name)
    for name in ("rows (about)", "size"):
        grid.add_column(name, justify="right")
    for table, service in tables[:_LARGEST_SHOWN]:
        key = ", ".join(table.key) if table.key else "none: whole rows"
        grid.add_row(str(table.name), service, key, f"{table.estimated_rows:,}", size(table.bytes))
    return grid


def _edges(edges: list[Edge]) -> Grid:
    grid = Grid(title="What crosses a service's boundary", title_justify="left")
    for name in ("service", "what -> to what", "action", "reason"):
        grid.add_column(name, overflow="fold")
    for edge in edges:
        action = Text(edge.action) if edge.action else Text("undecided", style="bold red")
        grid.add_row(edge.service, Text(edge.identity), action, Text(edge.reason))
    return grid


def _list(title: str, lines: tuple[str, ...]) -> Text:
    return Text("\n".join([title, *(f"  - {line}" for line in lines)]))


def _where(problem: Problem) -> str:
    return f"{problem.service}: {problem.text}" if problem.service else problem.text


def _verdict(plan: Plan) -> Text:
    if not plan.no_go:
        return Text("Go: nothing forbids the move.", style="bold green")
    lines = [f"No-go, for {len(plan.no_go)} reason{'s' if len(plan.no_go) > 1 else ''}:"]
    for problem in plan.no_go:
        lines.append(f"  - {_where(problem)}")
    return Text("\n".join(lines), style="red")


def to_paste(plan: Plan) -> str:
    """What in services.yaml would settle what forbids the move, as YAML; empty where nothing would."""
    return block(problem.line for problem in plan.no_go if problem.line)


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as a JSON object with `go`, `services`, `problems`, `unclaimed`; sizes in bytes."""
    return {
        "go": not plan.no_go,
        "source": {
            "version": plan.catalog.server.version_number,
            "database": plan.catalog.server.database,
            "objects": len(plan.catalog.objects),
        },
        "services": {name: _service_json(service) for name, service in plan.services.items()},
        "problems": [_problem_json(problem) for problem in plan.problems],
        "services_yaml": to_paste(plan) or None,
        "unclaimed": list(plan.unclaimed),
        "unclaimed_yaml": block(plan.alongside) or None,
    }


def _service_json(service: ServicePlan) -> dict[str, Any]:
    return {
        "schema": service.schema,
        "schemas": list(service.schemas),
        "bytes": service.bytes,
        "estimated_rows": service.estimated_rows,
        "tables": [_table_json(table) for table in service.tables],
        "sequences": [str(sequence.name) for sequence in service.sequences],
        "materialized_views": [str(name) for name in service.materialized_views],
        "extensions": [extension.name for extension in service.extensions],
        "objects": len(service.objects),
        "edges": [_edge_json(edge) for edge in service.edges],
        "replicas": [
            {
                "table": str(replica.table),
                "of": replica.referenced,
                "columns": [column.name for column in replica.columns],
            }
            for replica in service.replicas
        ],
        "problems": [_problem_json(problem) for problem in service.problems],
    }


def _table_json(table: Table) -> dict[str, Any]:
    return {
        "name": str(table.name),
        "bytes": table.bytes,
        "index_bytes": table.index_bytes,
        "estimated_rows": table.estimated_rows,
        "columns": len(table.columns),
        "key": list(table.key) if table.key else None,
        "replica_identity": table.replica_identity,
    }


def _edge_json(edge: Edge) -> dict[str, Any]:
    return {
        "identity": edge.identity,
        "kind": edge.kind,
        "towards": edge.towards,
        "found_by": edge.found_by,
        "action": edge.action,
        "possible": sorted(edge.possible),
        "reason": edge.reason,
        "definition": edge.definition,
        "line": edge.line if edge.action is None and edge.line else None,
        "remedy": edge.remedy or None,
    }


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "service": problem.service,
        "kind": problem.kind,
        "severity": problem.severity,
        "text": problem.text,
        "line": block([problem.line]) if problem.line else None,
    }


def plan_to_mermaid(plan: Plan) -> str:
    """Who depends on whom, as a Mermaid flowchart: one arrow a pair of services, with counts by kind."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for service in plan.services.values():
        for edge in service.edges:
            pair = counts.setdefault((service.service, edge.towards or "nobody"), {})
            pair[edge.kind] = pair.get(edge.kind, 0) + 1
    lines = ["flowchart LR", *(f'    {_node(name)}["{name}"]' for name in plan.services)]
    for (source, to), kinds in sorted(counts.items()):
        if source != to:
            label = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
            lines.append(f'    {_node(source)} -->|"{label}"| {_node(to)}')
    return "\n".join(lines) + "\n"


def _node(name: str) -> str:
    return "service_" + "".join(c if c.isalnum() else "_" for c in name)
