"""What a demo and a workload came to, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from demo.alarms import alarms_line


def show_workload(document: Mapping[str, Any], console: Console) -> None:
    """A table of each service's latencies, and a line of totals."""
    table = Table(
        title=f"Workload, {document['seconds']:.0f} s at {document['per_second']:.1f} transactions a second",
        box=box.SIMPLE,
    )
    table.add_column("service")
    for name in ("statements", "failed", "retried", "p50 ms", "p95 ms", "p99 ms", "max ms"):
        table.add_column(name, justify="right")
    for service, figures in document["services"].items():
        counts = [str(figures[name]) for name in ("statements", "failed", "retried")]
        times = [f"{figures[name]:.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")]
        table.add_row(service, *counts, *times)
    console.print(table)
    done = ", ".join(f"{number} {kind}" for kind, number in document["done"].items())
    console.print(f"{done}; {document['declined']} declined, {document['unfinished']} unfinished")
    for statement, message in document["failures"][:5]:
        console.print(f"failed: {statement[1]}: {statement[2]}: {statement[4]} {message}", markup=False)


def show_demo(facts: Mapping[str, Any], console: Console) -> None:
    """The summary at the end of `script/demo`."""
    workload = facts["workload"]
    table = Table(title="Eight isolated databases", box=box.SIMPLE)
    for name in ("service", "answers at its endpoint"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "verified", "failed statements", "longest wait"):
        table.add_column(name, justify="right")
    waits = facts["parts"].get("migration", {}).get("longest_wait_ms", {})
    for service, answer in facts["own_database"].items():
        one = facts["moved"].get(service, {})
        failed = workload["services"].get(service, {"failed": 0})["failed"]
        table.add_row(
            service,
            answer,
            f"{one['rows']:,}" if one.get("rows") is not None else "",
            str(one.get("verified", "")),
            str(failed),
            f"{waits[service]:,.0f} ms" if service in waits else "",
        )
    console.print(table)
    parts = (f"{part} {figures['seconds']:.1f} s" for part, figures in facts["parts"].items())
    if facts["parts"]:
        console.print(f"{', '.join(parts)}. Longest wait: of a statement during the migration.")
    console.print(
        f"{sum(workload['done'].values())} business transactions meanwhile, "
        f"{workload['failed_statements']} failed statements, {workload['unfinished']} unfinished."
    )
    if "backups" in facts:
        console.print(_of_backups(facts["backups"]), markup=False)
    for violation in facts["violations"]:
        console.print(f"BROKEN: {violation}", markup=False)
    if not facts["violations"]:
        console.print("All invariants hold on the new databases; every recorded transaction is there once.")
    if "alarms" in facts:
        console.print(f"{alarms_line(facts['alarms'])}.", markup=False)
    console.print(f"Report: {facts['report'] or facts['summary']}", markup=False)
    console.print(
        f"Took {facts['seconds_total']:.0f} s. To look around: . {facts['state']}/env", markup=False
    )
    console.print("To remove all of it: script/demo down", markup=False)


def _of_backups(facts: Mapping[str, Any]) -> str:
    point, proof, lost = facts["point"], facts["proof"], facts["lost"]
    return (
        f"Backups: a restore point of all eight under load ({point['pause_ms']:.0f} ms);"
        f" {proof['service']} restored to it from its backup, its {proof['rows']:,} rows those of then"
        f" ({proof['seconds']:.0f} s);"
        f" the disk of {lost['service']} lost and back in {lost['seconds']:.0f} s,"
        f" {lost['rows_differing']} rows missing in its archive."
    )
