"""The steps of a promotion: what is missing, what is shown, the same applied, all of it recorded."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from components.catalogue.read import read_catalogue
from components.contract import Contract
from components.problems import ConfigurationError
from core.errors import ChangeRefused, NotProven, PulumiFailed, StackNotUp
from core.evidence.chain import Entry, Evidence, Kind
from core.sessions.stack import read_contract
from operations.preview import pulumi
from operations.preview.steps import Preview
from operations.promotion.proof import PROMOTION, Wanted, missing
from operations.promotion.shown import Shown, done_in, shown

_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Promotion:
    """From which stack to which, in a project's folder."""

    folder: Path
    lower: str
    upper: str


@dataclass(frozen=True)
class Version:
    """What is promoted: this checkout's program and catalogue."""

    commit: str
    catalogue: str


def this_version(promotion: Promotion, commit: str | None) -> Version:
    """The checkout's commit and the digest of the catalogue that the upper stack's settings name.

    Raises NotProven where there is no checkout, PulumiFailed.
    """
    if commit is None:
        raise NotProven(f"{_CHECKOUT} is no git checkout: there is no commit to have been proven")
    done = pulumi.run(promotion.folder, "config", "--json", "--stack", promotion.upper)
    if done.returncode:
        raise PulumiFailed(pulumi.last_line(done.stderr))
    settings: dict[str, dict[str, Any]] = json.loads(done.stdout)
    named = {key.partition(":")[2]: one.get("value") for key, one in settings.items()}
    if named.get("promotedFrom") != promotion.lower:
        raise NotProven(
            f"{promotion.upper} is not promoted from {promotion.lower}, its setting promotedFrom says"
            f" {named.get('promotedFrom') or 'nothing'}: `pulumi config set promotedFrom {promotion.lower}"
            f" --stack {promotion.upper}`, and commit that"
        )
    try:
        catalogue = read_catalogue(_CHECKOUT / (named.get("catalogue") or "services.yaml"))
    except ConfigurationError as error:
        raise PulumiFailed(str(error.problems[0])) from None
    return Version(commit, catalogue.digest)


def require_proof(
    promotion: Promotion, version: Version, certificate: Path | None, signers: Sequence[str], days: float
) -> tuple[Contract, list[Entry]]:
    """The lower stack's contract and evidence. Raises NotProven with each thing that is missing."""
    lower = read_contract(promotion.lower)
    evidence = Evidence(lower, certificate)
    entries = evidence.read()
    found = missing(
        entries,
        Wanted(
            stack=promotion.lower,
            commit=version.commit,
            catalogue=version.catalogue,
            services=tuple(lower.services),
            backed_up=tuple(name for name, one in lower.services.items() if one.backups is not None),
            watched=lower.monitoring is not None and lower.monitoring.prometheus is not None,
            signers=tuple(dict.fromkeys([*lower.sign_offs.get(PROMOTION, ()), *signers])),
            proof_age=timedelta(days=days),
        ),
    )
    if found:
        raise NotProven(
            f"{promotion.upper} is not promoted; missing on {promotion.lower}: {'; '.join(found)}"
        )
    return lower, entries


def look(promotion: Promotion) -> Preview:
    """What `pulumi up` of the upper stack would do. Raises ChangeRefused where something refuses it."""
    preview, _ = pulumi.preview(promotion.folder, promotion.upper, policies=pulumi.POLICIES)
    if preview.errors:
        raise ChangeRefused(f"{promotion.upper} refuses the change: {preview.errors[0]}")
    return preview


def apply(promotion: Promotion, agreed: Shown, phase: Callable[[str], None]) -> list[tuple[str, str]]:
    """Look again, bring the upper stack up where it is the same, and compare what was done.

    Raises ChangeRefused where another thing would be done than was shown (nothing was changed), or was done.
    """
    phase("preview again")
    differing = agreed.otherwise(shown(look(promotion)))
    if differing:
        raise ChangeRefused(
            f"{promotion.upper} would be changed otherwise than was shown ({'; '.join(differing[:3])});"
            " nothing was changed: look at it again"
        )
    phase("pulumi up")
    with tempfile.TemporaryDirectory(prefix="waqiti-promotion-") as own:
        log = Path(own) / "events"
        done = pulumi.run(
            promotion.folder, "up", "--yes", "--skip-preview", "--stack", promotion.upper,
            "--event-log", str(log), environment={"PULUMI_DEBUG_COMMANDS": "true"},
        )  # fmt: skip
        did = done_in(log.read_text(encoding="utf-8")) if log.exists() else []
    if done.returncode:
        said = pulumi.last_line(f"{done.stderr}\n{done.stdout}")
        raise PulumiFailed(f"pulumi up of {promotion.upper}: {said}; mend that and promote again")
    surplus = agreed.not_shown(did)
    if surplus:
        raise ChangeRefused(
            f"{promotion.upper} was changed beyond what was shown: {', '.join(surplus[:5])}; look at it with"
            f" `script/drift {promotion.upper}`"
        )
    return did


def record(
    promotion: Promotion,
    version: Version,
    entries: Sequence[Entry],
    agreed: Shown,
    figures: Mapping[str, Any],
) -> Entry:
    """Add the promotion to the upper stack's evidence, and with it the digest of the lower's."""
    contract = read_contract(promotion.upper)
    facts = {
        "from": promotion.lower,
        "proof": entries[-1].digest,
        "entries": len(entries),
        "shown": agreed.digest,
        "promoted": version.commit,
        **figures,
    }
    return Evidence(contract).add(Kind.PROMOTED, facts)


def deployed_before(promotion: Promotion) -> str | None:
    """The commit that the upper stack is at; None: it is not up yet."""
    try:
        return read_contract(promotion.upper).commit
    except StackNotUp:
        return None
