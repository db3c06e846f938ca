"""What is wrong with a configuration, said so that a person can put it right.

A `Problem` is one line: the key, the value that was seen, why it cannot be, and what to do.
`ConfigurationError` carries all of them, because fixing one at a time wastes a preview each.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SECRET_WORDS = ("password", "secret", "passphrase", "backup_key", "backupkey")
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    key: str
    """Where: file or namespace and path, for example `services.yaml: services.user.endpoint.port`."""
    what: str
    """What was seen there, and why it cannot be."""
    fix: str
    """What to do."""

    def __str__(self) -> str:
        return " ".join(f"{self.key}: {self.what}; {self.fix}".split())


class ConfigurationError(Exception):
    """The configuration cannot be deployed. `str()` has one line a problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, ignoring case and `_` against camelCase."""
    by_folded = {_fold(candidate): candidate for candidate in known}
    found = difflib.get_close_matches(_fold(word), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def unknown_service(key: str, name: str, services: Iterable[str], file: str = "services.yaml") -> Problem:
    """The problem of a name that is no service's, with the one that was probably meant."""
    guess = closest(name, services)
    fix = f"did you mean `{guess}`?" if guess else f"services: {', '.join(services)}"
    return Problem(key, f"{name} is not in {file}", fix)


def unknown_key(where: str, key: str, known: Sequence[str]) -> Problem:
    """The problem of a key that nothing reads, with the key that was probably meant."""
    guess = closest(key, known)
    fix = f"did you mean `{guess}`?" if guess else f"known keys: {', '.join(sorted(known))}"
    return Problem(f"{where}{key}", "no such key", fix)


def from_validation(error: ValidationError, model: type[BaseModel], where: str) -> list[Problem]:
    """Pydantic's findings about `model`, as problems.

    `where` is put before each path, for example `services.yaml: `. Values under a key that names a
    secret are never quoted.
    """
    return [_problem(details, model, where) for details in error.errors(include_url=False)]


def _problem(details: ErrorDetails, model: type[BaseModel], where: str) -> Problem:
    path = [str(part) for part in details["loc"] if part != "[key]"]
    dotted = where + ".".join(path)
    if details["type"] == "extra_forbidden":
        parent = _descend(model, path[:-1])
        known = _keys(parent) if parent else ()
        return unknown_key(where + "".join(f"{part}." for part in path[:-1]), path[-1], known)
    if details["type"] == "missing":
        return Problem(dotted, "not set", "add it")
    secret = any(word in part.lower() for part in path for word in _SECRET_WORDS)
    seen = "" if secret else f"{_shown(details['input'])}: "
    message, _, fix = details["msg"].removeprefix("Value error, ").partition("; ")
    return Problem(dotted, seen + message[:1].lower() + message[1:], fix or "correct it")


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, (str, int, float, bool)) else type(value).__name__
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _fold(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _descend(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel] | None:
    """The model that describes `path` within `model`; None when it is no model's."""
    here: type[BaseModel] | None = model
    for part in path:
        if here is None:
            return None
        field = _field(here, part)
        if field is not None:
            here, inner = _model_in(field.annotation), field.annotation
            if here is None and _is_mapping(inner):
                return None
        # A part that is no field is a mapping's key or a list's index: its model is already `here`.
    return here


def _field(model: type[BaseModel], key: str) -> Any:
    for name, field in model.model_fields.items():
        if key in (name, field.alias):
            return field
    return None


def _is_mapping(annotation: Any) -> bool:
    origin = getattr(annotation, "__origin__", None)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
