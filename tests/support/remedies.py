"""What a plan prints is followed as it is printed: YAML is pasted into services.yaml, statements are run.

Nothing is understood of it: only where it belongs, which is printed beside it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import yaml

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from migration.plan.make import Plan, plan_to_json
from tests.support.moving import Split
from tests.support.places import REPOSITORY

STATEMENT = re.compile(r"`((?:ALTER|CREATE|DROP|REINDEX|GRANT|REVOKE|REFRESH|DELETE) [^`]+)`")
_LAST = re.compile(r": ((?:ALTER|CREATE|DROP) .+)$")
"""A statement that ends a line stands there without marks."""
_ENTRIES = REPOSITORY / "services.yaml"
_KEY = 4
"""How far in the keys of a service stand."""
_MOST = 8
"""Rounds: what is decided may bring to light what was behind it."""


class NotFollowed(AssertionError):
    """A no-go whose remedy is none, or does not help."""


def follow(made: Split, folder: Path) -> tuple[Plan, list[str]]:
    """Follow what the plan prints until it is a go; returns that plan, and all that was said on the way."""
    text = entries(made)
    said: list[str] = []
    for _ in range(_MOST):
        plan = made.plan()
        if not plan.no_go:
            return plan, said
        document = plan_to_json(plan)
        no_gos = [*document["problems"], *(p for s in document["services"].values() for p in s["problems"])]
        no_gos = [problem for problem in no_gos if problem["severity"] == "no-go"]
        said += [problem["text"] for problem in no_gos]
        if document["services_yaml"]:
            text = pasted(text, document["services_yaml"])
            apply(made, read(text, folder))
        for problem in no_gos:
            if problem["line"] is None:
                _run(made, problem["text"])
    raise NotFollowed("\n".join(["the plan is no go after all remedies:", *said[-len(no_gos) :]]))


def _run(made: Split, text: str) -> None:
    statements = STATEMENT.findall(text) or _LAST.findall(text)
    if not statements:
        raise NotFollowed(f"nothing to do is printed: {text}")
    with made.source.connect() as connection:
        try:
            connection.execute(statements[0].encode())
        except psycopg.Error as error:
            raise NotFollowed(f"{statements[0]}: {error} (of: {text})") from error


def entries(made: Split) -> str:
    """A services.yaml with an entry for each of the services, without rules."""
    some = yaml.safe_load(_ENTRIES.read_text(encoding="utf-8"))["services"]
    models = [entry for _, entry in zip(made.contract.services, some.values(), strict=False)]
    services: dict[str, Any] = {}
    for (name, service), model in zip(made.contract.services.items(), models, strict=True):
        services[name] = {key: value for key, value in model.items() if key not in {"crossing", "reads"}}
        services[name]["schema"] = service.schema_name
    return yaml.safe_dump({"services": services}, sort_keys=False)


def pasted(text: str, block: str) -> str:
    """The text with the lines of a block put behind those that they belong to, as an editor would."""
    lines, at = text.splitlines(), 0
    for line in block.splitlines()[1:]:
        depth = _depth(line)
        end = len(lines)
        if depth == _KEY:
            # Within this service's entry, which ends where the next one begins.
            end = next((n for n in range(at, end) if _depth(lines[n]) < _KEY), end)
        if depth <= _KEY and line in lines[at if depth == _KEY else 0 : end]:
            at = lines.index(line, at if depth == _KEY else 0) + 1
        else:
            lines.insert(at, line)
            at += 1
    return "\n".join(lines) + "\n"


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def read(text: str, folder: Path) -> Catalogue:
    """The catalogue, by its own reader."""
    file = folder / "services.yaml"
    file.write_text(text, encoding="utf-8")
    return read_catalogue(file)


def apply(made: Split, catalogue: Catalogue) -> None:
    """Give the contract what a `pulumi up` would take from the catalogue for a plan."""
    services = {
        name: service.model_copy(
            update={
                "crossing": catalogue.services[name].crossing,
                "row_security": catalogue.services[name].row_security,
            }
        )
        for name, service in made.contract.services.items()
    }
    made.contract = made.contract.model_copy(update={"services": services})
