"""The Python environment: .venv in the checkout, every package locked with its hash."""

import importlib.util
import os
import sys
from pathlib import Path

from . import commands, files
from .console import Console
from .errors import BootstrapError
from .places import Places

NO_ENSUREPIP = (
    "this Python cannot make environments: install python{0}.{1}-venv (Debian, Ubuntu), "
    "or set PYTHON to another Python 3.11 or newer"
)


def ensure(places: Places, console: Console) -> None:
    """Make .venv if it is missing or broken, and install what the lock says."""
    log = places.cache / "logs" / "python.log"
    if commands.answers([places.python, "-m", "pip", "--version"]) is None:
        if importlib.util.find_spec("ensurepip") is None:
            raise BootstrapError(NO_ENSUREPIP.format(*sys.version_info))
        with console.step(f"Python {sys.version_info[0]}.{sys.version_info[1]} environment in .venv"):
            files.remove(places.venv)
            commands.run(
                [base_interpreter(), "-m", "venv", places.venv],
                "making .venv",
                log,
                env=clean_environment(),
                advice=f"Try: {base_interpreter()} -m venv {places.venv}",
            )
    with console.step("Python packages", "30 s with a fast index"):
        commands.run(
            [places.python, "-m", "pip", *pip_options("install"), "--require-hashes", "-r", places.lock],
            "installing the Python packages",
            log,
            env=clean_environment(),
            each_line=lambda line: console.progress(line.strip()),
            advice="Is a package index reachable (pip's own settings are honoured)?",
        )


def base_interpreter() -> Path:
    """The interpreter behind this one, so that an environment is never made from itself."""
    return Path(getattr(sys, "_base_executable", sys.executable) or sys.executable)


def pip_options(command: str) -> list[str]:
    """How pip is always called: quietly, without its own news, without resolving (the lock is complete)."""
    return [command, "--disable-pip-version-check", "--no-input", "--no-deps", "--progress-bar", "off"]


def clean_environment() -> dict[str, str]:
    """The environment without what this bootstrap or an active virtual environment adds to it."""
    left_out = {"PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in left_out}
