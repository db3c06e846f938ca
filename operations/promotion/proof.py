"""What has to be proven on the lower stack, and what of it is missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.evidence.chain import Entry, Kind
from core.evidence.lookup import newest, signatures, states, went_back_and_forth

PROMOTION = "promotion"
"""The stage that is signed for a whole stack."""
_AT_HOME = frozenset({"moved", "finished"})


@dataclass(frozen=True)
class Wanted:
    """What is to be promoted, and how it has to be proven."""

    stack: str
    """The lower one."""
    commit: str
    catalogue: str
    """Its digest."""
    services: tuple[str, ...]
    backed_up: tuple[str, ...] = ()
    watched: bool = False
    """Whether a Prometheus of its own watches the lower stack: then its alarms have to be proven, too."""
    signers: tuple[str, ...] = ()
    """Who has to have signed; without any, somebody has to."""
    proof_age: timedelta = timedelta(days=7)
    """A restored backup that is older proves nothing."""


def missing(entries: Sequence[Entry], wanted: Wanted, now: datetime | None = None) -> list[str]:
    """Each thing that is missing, with the command that brings it; none: it may be promoted."""
    return [
        *_deployed(entries, wanted),
        *(line for service in wanted.services for line in _service(entries, wanted, service)),
        *_back_and_forth(entries, wanted),
        *_restored(entries, wanted, now or datetime.now(UTC)),
        *_isolation(entries, wanted),
        *_alarms(entries, wanted, now or datetime.now(UTC)),
        *_signed(entries, wanted),
    ]


def _deployed(entries: Sequence[Entry], wanted: Wanted) -> Iterator[str]:
    if wanted.commit.endswith("-dirty"):
        yield "a commit: this checkout's files differ from it (commit them, bring the lower stack up with it)"
    at = (wanted.commit, wanted.catalogue)
    if not any(one.kind == Kind.DEPLOYED and (one.commit, one.catalogue) == at for one in entries):
        yield (
            f"a deployment of {wanted.commit[:12]} on {wanted.stack} (`pulumi up --stack {wanted.stack}` with"
            f" it, then `python -m operations report --stack {wanted.stack}`)"
        )


def _service(entries: Sequence[Entry], wanted: Wanted, service: str) -> Iterator[str]:
    went = states(entries, service)
    if not went or went[-1] not in _AT_HOME:
        yield f"{service}: moved (`python -m migration run {service} --stack {wanted.stack}`)"
    verified = newest(entries, Kind.VERIFIED, service)
    if verified is None or not verified.facts.get("equal"):
        found = "not compared" if verified is None else "differing"
        yield f"{service}: verified, it is {found} (`python -m migration verify {service}`)"


def _back_and_forth(entries: Sequence[Entry], wanted: Wanted) -> Iterator[str]:
    if not any(went_back_and_forth(states(entries, service)) for service in wanted.services):
        yield (
            "one service rolled back and moved again (`python -m migration rollback --immediate SERVICE`,"
            " then `cutover`)"
        )


def _restored(entries: Sequence[Entry], wanted: Wanted, now: datetime) -> Iterator[str]:
    for service in wanted.backed_up:
        proof = newest(entries, Kind.RESTORED, service)
        if proof is None or not proof.facts.get("sound") or now - proof.at > wanted.proof_age:
            days = wanted.proof_age / timedelta(days=1)
            yield (
                f"{service}: a backup restored and found sound within {days:g} days"
                f" (`python -m operations proof {service} --stack {wanted.stack}`)"
            )


def _isolation(entries: Sequence[Entry], wanted: Wanted) -> Iterator[str]:
    # To go back, what an earlier catalogue was found to be counts still.
    tried = newest([one for one in entries if one.catalogue == wanted.catalogue], Kind.ISOLATION)
    if tried is None or tried.facts.get("breaches"):
        yield f"the isolation matrix closed with this catalogue (`script/isolation --stack {wanted.stack}`)"


def _alarms(entries: Sequence[Entry], wanted: Wanted, now: datetime) -> Iterator[str]:
    if not wanted.watched:
        return
    how = f"python -m operations alarms --stack {wanted.stack}"
    here = [one for one in entries if one.kind == Kind.ALARMS and one.catalogue == wanted.catalogue]
    last = newest(here, Kind.ALARMS)
    if last is None or now - last.at > wanted.proof_age:
        yield f"what alarmed within {wanted.proof_age / timedelta(days=1):g} days (`{how}`)"
        return
    if not any(one.facts.get("fired") or one.facts.get("tried") for one in here):
        yield f"an alarm that fired (`{how} --try {wanted.services[0]}` brings one about)"
    if last.facts.get("unhealthy"):
        named = ", ".join(last.facts["unhealthy"])
        yield f"rules that can be evaluated: {named} cannot (`{how}` once they are)"
    if unseen := [name for name in wanted.services if name not in last.facts.get("watched", ())]:
        yield f"{', '.join(unseen)}: watched by Prometheus (`pulumi up --stack {wanted.stack}`, then `{how}`)"
    if last.facts.get("firing"):
        yield f"quiet alarms: {', '.join(last.facts['firing'])} fired when last asked (mend it, then `{how}`)"


def _signed(entries: Sequence[Entry], wanted: Wanted) -> Iterator[str]:
    signed = signatures(entries, PROMOTION, None, wanted.catalogue, wanted.commit)
    there = {one.facts["by"] for one in signed}
    how = f"python -m operations sign-off --stage {PROMOTION} --stack {wanted.stack} --who"
    for name in wanted.signers:
        if name not in there:
            yield f"{name}'s signature (`{how} {name!r}`)"
    if not wanted.signers and not there:
        yield f"a signature (`{how} NAME`)"
