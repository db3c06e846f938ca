"""Running other programs: quiet while they work, their last words when they fail."""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .errors import BootstrapError


def run(
    argv: Sequence[str | Path],
    what: str,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    each_line: Callable[[str], None] | None = None,
    advice: str = "",
) -> str:
    """Run `argv`, keep all it says in `log`, and return that.

    `each_line` gets every line as it comes. Raises BootstrapError, naming `what`, the most telling line,
    the log and `advice`, when the program is missing or fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    said: list[str] = []
    try:
        with (
            log.open("w") as record,
            subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(env) if env is not None else None,
                cwd=cwd,
                close_fds=False,  # the bootstrap's lock lives on in it, should only the bootstrap be killed
            ) as process,
        ):
            assert process.stdout is not None  # noqa: S101 (for mypy)
            for line in process.stdout:
                record.write(line)
                said.append(line)
                if each_line:
                    each_line(line.rstrip())
    except OSError as error:
        raise BootstrapError(f"{what}: cannot run {argv[0]}: {error.strerror}. {advice}".rstrip()) from error
    if process.returncode:
        ending = f"exit code {process.returncode}"
        line = telling_line(said) or ending
        raise BootstrapError(f"{what} failed: {line} (all of it: {log}). {advice}".rstrip())
    return "".join(said)


def telling_line(lines: Sequence[str]) -> str:
    """The line that names the fault: the first that says "error" or the like, else the last."""
    stripped = [line.strip() for line in lines if line.strip()]
    for line in stripped:
        lowered = line.lower()
        if lowered.startswith(("error", "e:", "fatal")) or "no space left" in lowered:
            return line
    return stripped[-1] if stripped else ""


def answers(argv: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str | None:
    """What a short command prints, or None when it is missing, fails or takes over 20 s."""
    try:
        done = subprocess.run(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=True,
            env=dict(env) if env is not None else {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
