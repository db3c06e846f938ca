"""The catalogue: which services there are, and what each needs. Read from services.yaml; pure.

Everything that holds for a service on every stack is here; what differs between stacks (platform,
scale, passwords) is in `components.settings.read`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from components.catalogue import rules
from components.catalogue.model import Catalogue
from components.problems import ConfigurationError, Problem, from_validation


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but a key that stands twice is an error and not the last one's value."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    keys = [loader.construct_object(key) for key, _ in node.value]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key!r} stands there twice", node.value[number][0].start_mark
            )
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue in the file at `path`.

    Raises ConfigurationError with every problem: what YAML or the models refuse, and what two services
    may not share (`components.catalogue.rules`).
    """
    where = f"{path.name}: "
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise ConfigurationError([Problem(str(path), "no such file", "write the catalogue there")]) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError([Problem(path.name, f"not YAML: {reason}", "correct it")]) from error
    try:
        catalogue = Catalogue.model_validate(content, context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigurationError(from_validation(error, Catalogue, where)) from error
    problems = rules.check(catalogue, where)
    if problems:
        raise ConfigurationError(problems)
    return catalogue
