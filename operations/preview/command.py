"""`preview`: what this checkout would do to a stack, on one page."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.cli import AsJson, invocation
from core.errors import ChangeRefused
from operations.preview import pulumi
from operations.preview.declared import Checkout, compare
from operations.preview.meaning import Effect, Meaning
from operations.preview.page import Verdict, page
from operations.preview.plan_difference import PlanDifference, plan_difference
from operations.preview.revisions import worktree
from operations.preview.rules import meanings
from operations.preview.steps import Preview

_ROOT = Path(__file__).parents[2]


def preview(
    context: typer.Context,
    stack: Annotated[str, typer.Argument(help="The Pulumi stack.")],
    *,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="REV",
            help="Compare what its program and this checkout's declare: needs no backend and no secret.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the page to this file as well.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changes in each service and what that means: reload, restart, replacement, data at risk.

    Touches nothing. Exit status 0: go, also when nothing changes; 81: a no-go.
    """
    run = invocation(context, as_json=as_json)
    plan = PlanDifference()
    if base is None:
        with ThreadPoolExecutor(1) as pool:
            contract = pool.submit(pulumi.contract, _project(), stack)
            found, _document = pulumi.preview(_project(), stack, policies=pulumi.POLICIES)
        compared = "the stack as it is"
        plan = plan_difference(contract.result(), _catalogue(found))
    else:
        found, compared = _declared(stack, base), f"what `{base}` declares"
    said = meanings(found, may_lose(found))
    verdict = Verdict(
        stack=stack,
        compared=compared,
        meanings=tuple(said),
        refusals=tuple(one for one in found.errors if not _is_said(one, said)),
        warnings=found.warnings,
        resources=found.resources,
        plan=plan.lines,
        plan_no_go=plan.no_go,
    )
    text = page(verdict)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if as_json:
        run.show_json(as_document(verdict))
    else:
        typer.echo(text, nl=False)
    if verdict.no_go:
        raise ChangeRefused(f"stack {stack}: a no-go; the page says which and what to do")


def may_lose(found: Preview) -> frozenset[str]:
    """The services whose data the stack's settings give up."""
    named = found.settings.get("waqiti:mayLose")
    return frozenset(json.loads(named)) if named else frozenset()


def _is_said(error: str, said: Iterable[Meaning]) -> bool:
    """Whether a row says already that what holds data is protected."""
    protected = "marked for protection" in error or "because it is protected" in error
    return protected and any(one.effect is Effect.REFUSED for one in said)


def as_document(verdict: Verdict) -> dict[str, object]:
    """The verdict as JSON."""
    return {
        "stack": verdict.stack,
        "go": not verdict.no_go,
        "empty": verdict.empty,
        "refused": list(verdict.refusals),
        "changes": [
            {"service": one.service, "effect": one.effect.word, "what": one.what, "means": one.means}
            for one in verdict.meanings
        ],
    }


def _declared(stack: str, base: str) -> Preview:
    with tempfile.TemporaryDirectory(prefix="waqiti-preview-") as work:
        folder = Path(work)
        with worktree(_ROOT, base, folder / "revision") as checkout:
            found = compare(
                Checkout(checkout, base), Checkout(_ROOT, "this checkout"), stack, folder, pulumi.POLICIES
            )
    return replace(found, warnings=())


def _catalogue(found: Preview) -> Path:
    return _ROOT / (found.settings.get("waqiti:catalogue") or "services.yaml")


def _project() -> Path:
    here = Path.cwd()
    return here if (here / "Pulumi.yaml").is_file() else _ROOT
