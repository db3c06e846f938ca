"""The contract of the stack that is migrated, read from Pulumi or from a file."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from components.contract import Contract, Service
from core.errors import StackNotUp, ToolMissing, UnknownService
from core.sessions.connections import Database
from servers.paths import cache_dir

PULUMI_TIMEOUT_SECONDS = 60


def read_contract(stack: str | None = None, file: Path | None = None) -> Contract:
    """Return the contract in `file`, else the one that a Pulumi stack exports.

    The stack is `stack`, else `$PULUMI_STACK`, else the one selected in the project's folder (the
    current folder if it holds a Pulumi.yaml, else the one this program lives in). A file is JSON, and
    because it holds passwords nobody but its owner may read it.

    Raises StackNotUp, ToolMissing.
    """
    if file is not None:
        return _parse(_read_private(file), str(file))
    return _parse(*_stack_output(stack or os.environ.get("PULUMI_STACK")))


def source_database(contract: Contract) -> Database:
    """The shared database, as its administrator."""
    return Database("shared database", "source", contract.source.endpoint, contract.source.administrator)


def target_database(service: Service) -> Database:
    """A service's own database, as its migration role."""
    return Database(f"{service.name}'s own database", "target", service.instance, service.migration)


def endpoint_database(service: Service) -> Database:
    """A service's stable endpoint, as the service: what its applications see."""
    return Database(f"{service.name}'s endpoint", "target", service.endpoint, service.login, plain=True)


def choose_services(contract: Contract, names: Iterable[str]) -> list[Service]:
    """The named services, each once, in the order given; all of them, in the contract's order, for no name.

    Raises UnknownService, with the nearest name there is.
    """
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in contract.services:
            near = difflib.get_close_matches(name, contract.services, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(contract.services)}"
            raise UnknownService(f"the catalogue has no service {name!r}; {hint}")
    return [contract.services[name] for name in wanted or contract.services]


def _read_private(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise StackNotUp(f"cannot read the contract {file}: {reason}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise StackNotUp(f"the contract {file} holds passwords and others may read it; chmod 600 {file}")
    return text


def _stack_output(stack: str | None) -> tuple[str, str]:
    """The JSON of the output named `contract`, and what to call its origin."""
    folder = _project_folder()
    origin = f"stack {stack}" if stack else "the selected stack"
    command = [_pulumi(), "stack", "output", "contract", "--json", "--show-secrets", "--non-interactive"]
    if stack:
        command += ["--stack", stack]
    environment = {"PULUMI_SKIP_UPDATE_CHECK": "1", **os.environ}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PULUMI_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StackNotUp(
            f"pulumi did not give the outputs of {origin} in {PULUMI_TIMEOUT_SECONDS} s; check its backend"
        ) from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = lines[-1].removeprefix("error: ") if lines else f"exit status {done.returncode}"
        raise StackNotUp(
            f"{origin} exports no contract: {said}; run `pulumi up` first, or name it with --stack"
        )
    return done.stdout, origin


def _project_folder() -> Path:
    here = Path.cwd()
    return here if (here / "Pulumi.yaml").is_file() else Path(__file__).resolve().parents[2]


def _pulumi() -> str:
    cached = cache_dir() / "pulumi" / "bin" / "pulumi"
    found = shutil.which("pulumi") or (str(cached) if cached.is_file() else None)
    if found is None:
        raise ToolMissing(f"no pulumi on PATH nor at {cached}; run script/bootstrap")
    return found


def _parse(text: str, origin: str) -> Contract:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise StackNotUp(f"the contract of {origin} is not JSON (line {error.lineno})") from None
    found = document.get("version") if isinstance(document, dict) else None
    try:
        return Contract.model_validate(document)
    except ValidationError as error:
        # Only places and reasons: pydantic's own text would quote the values, passwords among them.
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise StackNotUp(
            f"the contract of {origin} (version {found}) does not fit this program: {place}: {first['msg']}; "
            "run `pulumi up` with the same version of the program"
        ) from None
