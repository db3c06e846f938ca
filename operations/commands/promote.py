"""`promote`: a version that was proven on one stack, brought to the next as it was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli import AsJson, Invocation, Yes, finite, invocation
from core.errors import ChangeRefused, WrongState
from operations.preview.command import may_lose
from operations.preview.page import Verdict, page
from operations.preview.rules import meanings
from operations.preview.steps import Preview
from operations.project import project_folder
from operations.promotion import promote as steps
from operations.promotion.promote import Promotion
from operations.promotion.shown import shown
from servers.checkout import commit

_ROOT = Path(__file__).parents[2]


def promote(
    context: typer.Context,
    lower: Annotated[str, typer.Argument(metavar="LOWER", help="The stack where it was proven.")],
    upper: Annotated[str, typer.Argument(metavar="UPPER", help="The stack that gets it.")],
    *,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help="LOWER's evidence, from another machine."),
    ] = None,
    signed_by: Annotated[
        list[str] | None, typer.Option("--signed-by", metavar="WHO", help="Who must have signed.")
    ] = None,
    days: Annotated[
        float,
        typer.Option("--proof-days", min=0, callback=finite, help="How old a restored backup may be."),
    ] = 7,
    only_shown: Annotated[
        str | None,
        typer.Option("--shown", metavar="DIGEST", help="Apply only what has this digest, as shown earlier."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, and change nothing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Bring this checkout to UPPER, if LOWER proved it: what is missing is named, and refuses it.

    To go back, check out the earlier commit and promote that. Exit status 87: proof is missing; 81: refused.
    """
    here = invocation(context, as_json=as_json)
    promotion = Promotion(project_folder(), lower, upper)
    version = steps.this_version(promotion, commit(_ROOT))
    _, entries = steps.require_proof(promotion, version, certificate, signed_by or [], days)
    with here.progress() as progress:
        progress.about(upper)
        progress.phase("preview")
        before = steps.deployed_before(promotion)
        preview = steps.look(promotion)
    agreed = shown(preview)
    _show(here, upper, preview, agreed.digest)
    if only_shown is not None and only_shown != agreed.digest:
        raise ChangeRefused(
            f"{upper} would be changed otherwise than what has the digest {only_shown[:12]}: look at it again"
        )
    if dry_run:
        return
    if not yes:
        _ask(here, upper)
    with here.progress() as progress:
        progress.about(upper)
        did = steps.apply(promotion, agreed, progress.phase)
    entry = steps.record(promotion, version, entries, agreed, {"changed": len(did), "before": before})
    if as_json:
        here.show_json(
            {"promoted": version.commit, "before": before, "changed": len(did), "entry": entry.digest}
        )
    else:
        here.out.print(
            f"{upper}: {version.commit[:12]}, proven on {lower}; {len(did)} resources changed, as shown;"
            f" recorded as entry {entry.number}",
            markup=False,
            soft_wrap=True,
        )


def _show(here: Invocation, upper: str, preview: Preview, digest: str) -> None:
    said = tuple(meanings(preview, may_lose(preview)))
    verdict = Verdict(
        upper, "the stack as it is", said, warnings=preview.warnings, resources=preview.resources
    )
    if here.as_json:
        here.show_json({"stack": upper, "shown": digest, "steps": len(preview.steps)})
    else:
        typer.echo(page(verdict), nl=False)
        typer.echo(f"shown: {digest}")
    if verdict.no_go:
        raise ChangeRefused(f"{upper}: a no-go; the page says which and what to do")


def _ask(here: Invocation, upper: str) -> None:
    if not here.err.is_terminal:
        raise WrongState("nobody is there to confirm; run it with --yes, or with --shown and --yes")
    typer.confirm(f"Bring {upper} up as shown?", abort=True, err=True)
