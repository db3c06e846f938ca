"""The page: what changes and what it means, in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from operations.preview.meaning import Effect, Meaning, by_service

MARK = "<!-- waqiti preview of {stack} -->"
"""The first line, by which a comment is found again."""
_SHOWN = 12


@dataclass(frozen=True)
class Verdict:
    """What a preview came to."""

    stack: str
    compared: str
    """With what, in words: `the stack as it is` or a revision."""
    meanings: tuple[Meaning, ...]
    refusals: tuple[str, ...] = ()
    """What the engine, a provider or a policy refuses."""
    warnings: tuple[str, ...] = ()
    resources: int = 0
    plan: tuple[str, ...] = ()
    """The migration plan's difference, in lines of Markdown; none: nothing to say."""
    plan_no_go: tuple[str, ...] = ()
    """What the change adds to what forbids a move."""

    @property
    def no_go(self) -> bool:
        return bool(self.refusals or self.plan_no_go or any(one.no_go for one in self.meanings))

    @property
    def empty(self) -> bool:
        return not (self.meanings or self.refusals or self.plan)


def page(verdict: Verdict) -> str:
    """The whole page, ending with a newline."""
    lines = [MARK.format(stack=verdict.stack), f"### {_heading(verdict)}", ""]
    if verdict.refusals:
        lines += ["**Refused:**", *(f"- {_cell(one)}" for one in verdict.refusals), ""]
    if verdict.meanings:
        lines += ["| service | what changes | what it means |", "|---|---|---|"]
        for services, meanings in by_service(verdict.meanings):
            lines += _rows(services, meanings)
        lines.append("")
    if verdict.plan:
        lines += ["#### Migration plan", "", *verdict.plan, ""]
    if verdict.warnings:
        lines += [*(f"- note: {_cell(one)}" for one in verdict.warnings), ""]
    lines.append(f"<sub>Compared with {verdict.compared}; {verdict.resources} resources looked at.</sub>")
    return "\n".join(lines) + "\n"


def _heading(verdict: Verdict) -> str:
    changed = {one.service for one in verdict.meanings if one.service}
    if verdict.empty:
        return f"`{verdict.stack}`: nothing changes"
    said = ["1 service changes" if len(changed) == 1 else f"{len(changed)} services change"]
    if not changed:
        said = ["refused"] if verdict.refusals else ["the whole stack"]
    gravest = max((one.effect for one in verdict.meanings), default=Effect.NOTHING)
    if gravest > Effect.NOTHING:
        said.append(gravest.word)
    return f"`{verdict.stack}`: {', '.join(said)}: **{'NO-GO' if verdict.no_go else 'go'}**"


def _rows(services: Sequence[str], meanings: Sequence[Meaning]) -> list[str]:
    name = ", ".join(one or "(whole stack)" for one in services)
    shown = list(meanings[:_SHOWN])
    rows = []
    for number, one in enumerate(shown):
        effect = f"**{one.effect.word}**" if one.effect else one.effect.word
        means = f"{effect}: {_cell(one.means)}" if one.means else effect
        rows.append(f"| {name if number == 0 else ''} | {_cell(one.what)} | {means} |")
    if len(meanings) > _SHOWN:
        rows.append(f"| | and {len(meanings) - _SHOWN} more, none graver | |")
    return rows


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
