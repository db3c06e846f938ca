"""The real `pulumi preview`, and what is around it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import PulumiFailed
from operations.preview.steps import Preview, read_preview

PREVIEW_SECONDS = 300
POLICIES = Path(__file__).parents[2] / "policy"
"""The policy pack; what starts it is in its `bin`."""


def preview(
    folder: Path, stack: str, *, environment: Mapping[str, str] | None = None, policies: Path | None = None
) -> tuple[Preview, dict[str, Any]]:
    """Run `pulumi preview --diff --json` in `folder`; what it would do, and the document itself.

    A change that is refused is a preview with errors. Raises PulumiFailed.
    """
    pack = ["--policy-pack", str(policies)] if policies else []
    with tempfile.TemporaryDirectory(prefix="waqiti-events-") as own:
        log = Path(own) / "events"
        done = run(
            folder, "preview", "--diff", "--json", "--stack", stack, "--event-log", str(log), *pack,
            # What the event log asks for; Pulumi's own Automation API sets it, too.
            environment={**(environment or {}), "PULUMI_DEBUG_COMMANDS": "true"},
        )  # fmt: skip
        refused = violations(log.read_text(encoding="utf-8")) if log.exists() else ()
    document = _document(done.stdout)
    if document is None:
        raise PulumiFailed(last_line(done.stderr or done.stdout))
    found = read_preview(document)
    found = replace(found, errors=(*found.errors, *refused))
    if done.returncode and not found.errors:
        raise PulumiFailed(
            last_line(done.stderr) if done.stderr.strip() else "the preview failed and does not say why"
        )
    return found, document


def violations(events: str) -> tuple[str, ...]:
    """What policies refuse, in a line each, from the engine's events (the JSON of a preview lacks them)."""
    found: dict[str, None] = {}
    for line in events.splitlines():
        event = json.loads(line).get("policyEvent")
        if event and event.get("enforcementLevel") == "mandatory":
            # The first line is the policy's description.
            said = " ".join(event["message"].partition("\n")[2].split()) or event["message"]
            found[f"{said} (policy `{event['policyName']}`)"] = None
    return tuple(found)


def contract(folder: Path, stack: str) -> dict[str, Any] | None:
    """What the stack exports, passwords included; None when it is not up. Raises PulumiFailed."""
    done = run(folder, "stack", "output", "contract", "--json", "--show-secrets", "--stack", stack)
    return _document(done.stdout) if done.returncode == 0 else None


def run(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `pulumi` in `folder`, whatever its exit status. Raises PulumiFailed."""
    try:
        return subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", "--cwd", str(folder), *arguments],
            env=_environment(environment or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=PREVIEW_SECONDS,
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise PulumiFailed("pulumi is not installed; run script/bootstrap") from None
    except subprocess.TimeoutExpired:
        raise PulumiFailed(f"pulumi {arguments[0]} did not end in {PREVIEW_SECONDS} s") from None


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    found = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1", **given}
    return {**found, "PATH": f"{POLICIES / 'bin'}{os.pathsep}{found.get('PATH', '')}"}


def _document(text: str) -> dict[str, Any] | None:
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else None
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def last_line(text: str) -> str:
    """The line of Pulumi's that says most: its error, else its last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith("error:")]
    return (telling or lines or ["it said nothing"])[-1].removeprefix("error: ")
