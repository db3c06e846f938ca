"""The command line of script/isolation."""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from pydantic import ValidationError

from components.contract import Contract
from core.errors import EvidenceBroken
from core.evidence.chain import Evidence, Kind
from operations.isolation import logins, matrix, pods, probe
from operations.project import project_folder
from servers.docker_engine import Engine
from servers.errors import ServerError


def main(arguments: list[str]) -> int:
    """Exit status: 0 isolated, 1 not, 2 nothing could be tried."""
    parser = argparse.ArgumentParser(prog="script/isolation", description=probe.__doc__)
    parser.add_argument("--stack", help="Pulumi stack; default: the selected one")
    parser.add_argument("--contract", type=Path, help="a JSON file with the contract, instead of a stack")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    options = parser.parse_args(arguments)
    try:
        contract = _contract(options.stack, options.contract)
        if contract.platform == "kubernetes":
            return _pods(contract, as_json=options.json)
        if contract.platform != "docker":
            return _logins_alone(contract, as_json=options.json)
        findings = probe.find_out(Engine.of_environment(), contract)
    except ServerError as error:
        print(f"script/isolation: {error}", file=sys.stderr)
        return 2
    breaches = findings.breaches()
    _keep(contract, sum(map(len, findings.attempts.values())), breaches)
    if options.json:
        print(json.dumps(_as_json(findings, breaches), indent=2))
    else:
        print(matrix.matrix(findings))
        print(
            "\n".join(breaches) if breaches else "isolated: each service reaches its own gateway, and no more"
        )
        for reader, service in findings.reads:
            print(f"let through (`reads`): {reader}'s instance to {service}'s, as one role that may stream")
        print("\n".join(findings.notes()), end="\n" if findings.notes() else "")
    return 1 if breaches else 0


def _logins_alone(contract: Contract, *, as_json: bool) -> int:
    """On one machine no network lies between services: what separates them are logins and certificates."""
    tried, breaches = logins.try_each(contract)
    _keep(contract, tried, breaches)
    if as_json:
        print(json.dumps({"isolated": not breaches, "breaches": breaches, "logins_tried": tried}, indent=2))
    else:
        closed = f"isolated: {tried} logins tried at other services' doors, none was let in"
        print("\n".join(breaches) if breaches else closed)
    return 1 if breaches else 0


def _pods(contract: Contract, *, as_json: bool) -> int:
    findings = pods.find_out(contract)
    tried, let_in = logins.try_each(contract)
    breaches = [*findings.breaches(), *let_in]
    tried += sum(map(len, findings.attempts.values()))
    _keep(contract, tried, breaches)
    if as_json:
        attempts = {o: [dataclasses.asdict(one) for one in a] for o, a in findings.attempts.items()}
        print(json.dumps({"isolated": not breaches, "breaches": breaches, "attempts": attempts}, indent=2))
        return 1 if breaches else 0
    print(pods.matrix(findings))
    closed = f"isolated: each service's applications reach its gateway, and no more ({tried} attempts)"
    print("\n".join(breaches) if breaches else closed)
    for name in sorted(findings.linked):
        print(f"linked: {name}'s pods and the shared database reach each other until `finish`")
    return 1 if breaches else 0


def _keep(contract: Contract, tried: int, breaches: list[str]) -> None:
    try:
        Evidence(contract).add(Kind.ISOLATION, {"tried": tried, "breaches": breaches})
    except EvidenceBroken as error:
        print(f"script/isolation: {error}", file=sys.stderr)


def _contract(stack: str | None, file: Path | None) -> Contract:
    try:
        if file is not None:
            return Contract.model_validate_json(file.read_text(encoding="utf-8"))
        named = ["--stack", stack] if stack else []
        done = subprocess.run(
            ["pulumi", "stack", "output", "contract", "--json", "--show-secrets", *named],
            cwd=project_folder(),
            capture_output=True,
            text=True,
            check=True,
        )
        return Contract.model_validate_json(done.stdout)
    except OSError as error:
        where, seen = str(error.filename), f"cannot be used ({error.strerror})"
    except subprocess.CalledProcessError as error:
        where, seen = f"stack {stack or ''}".strip(), (error.stderr or "no output").strip().splitlines()[-1]
    except ValidationError as error:
        where, seen = "the contract", f"cannot be read ({error.error_count()} problems)"
    raise ServerError(seen, where=where, to_do="bring the stack up with `pulumi up`, or name another")


def _as_json(findings: matrix.Findings, breaches: list[str]) -> dict[str, object]:
    return {
        "isolated": not breaches,
        "breaches": breaches,
        "notes": findings.notes(),
        "engine": findings.engine,
        "default_routes": findings.default_routes,
        "members": {network: sorted(names) for network, names in findings.members.items()},
        "reads": [{"reader": reader, "service": service} for reader, service in findings.reads],
        "attempts": {
            origin: [dataclasses.asdict(one) for one in tried] for origin, tried in findings.attempts.items()
        },
        "logins": [
            {"login": whose, "database": database, "gets_in_at": where}
            for (whose, database), where in findings.logins.items()
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
