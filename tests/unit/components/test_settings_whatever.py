"""Whatever stands in the configuration: settings or problems, never another exception."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.problems import ConfigurationError, Problem
from components.settings.model import Settings
from components.settings.read import read_settings
from components.sizes import GB, format_size, parse_size
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

CATALOGUE: Catalogue = read_catalogue(REPOSITORY / "services.yaml")
CONTENT: dict[str, Any] = yaml.safe_load((REPOSITORY / "services.yaml").read_text(encoding="utf-8"))
SECRET = "hunter2-of-nothing"

SOURCE = {
    "host": "postgres-shared",
    "administrator": {"name": "postgres", "password": SECRET},
    "application": {"name": "waqiti_app", "password": SECRET},
}
KEYS = [str(field.alias) for field in Settings.model_fields.values()]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-70000, 70000), st.floats(allow_nan=False), st.text(max_size=12)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def as_pulumi_gives_it(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def problems_of(read: Callable[[], object]) -> tuple[Problem, ...]:
    """What `read` says is wrong; nothing when it succeeds. Any other exception is the test's failure."""
    try:
        read()
    except ConfigurationError as error:
        problems = error.problems
    else:
        return ()
    assert problems, "an error says what is wrong"
    return problems


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(KEYS), st.text(max_size=12)), st.one_of(values, st.just(SOURCE)), max_size=6
    )
)
def test_any_configuration_gives_settings_or_problems(configuration: dict[str, Any]) -> None:
    given_by_pulumi = {f"waqiti:{key}": as_pulumi_gives_it(value) for key, value in configuration.items()}
    for problem in problems_of(
        lambda: read_settings(
            given_by_pulumi,
            {},
            CATALOGUE,
            project="waqiti",
            host_memory=16 * GB,
            state=Path("/nowhere"),
            preview=True,
        )
    ):
        assert "\n" not in str(problem)
        assert SECRET not in str(problem)


@st.composite
def spoiled_catalogues(draw: st.DrawFn) -> dict[str, Any]:
    """The real catalogue with one value, anywhere, replaced by anything."""
    content = copy.deepcopy(CONTENT)
    here: Any = content
    while True:
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else list(range(len(here)))))
        inner = here[key]
        if not isinstance(inner, (dict, list)) or not inner or draw(st.booleans()):
            here[key] = draw(values)
            return content
        here = inner


@settings(max_examples=60, deadline=None)
@given(spoiled_catalogues())
def test_any_catalogue_gives_services_or_problems(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    file = tmp_path_factory.mktemp("catalogue") / "services.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    for problem in problems_of(lambda: read_catalogue(file)):
        assert "\n" not in str(problem)


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=2**50))
def test_every_size_reads_back_as_itself(kilobytes: int) -> None:
    assert parse_size(format_size(kilobytes)) == kilobytes
