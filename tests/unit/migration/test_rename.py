"""A search_path as the catalogue has it, and the path that finds a schema before and after its rename."""

from __future__ import annotations

import pytest

from migration.catalog.tables import search_path_entries
from tests.support.contracts import make_service

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("setting", "entries"),
    [
        ("user_schema, pg_temp", ["user_schema", "pg_temp"]),
        ('"$user",user_schema', ["$user", "user_schema"]),
        ('"Odd, ""name""", public', ['Odd, "name"', "public"]),
        ('""', [""]),
    ],
)
def test_a_search_path_is_read_entry_by_entry(setting: str, entries: list[str]) -> None:
    assert search_path_entries(setting) == entries


def test_sessions_find_a_schema_by_both_of_its_names_the_new_one_first() -> None:
    service = make_service("user")
    assert service.own_search_path == ("user_schema", "public")
    renamed = service.model_copy(update={"own_schema": "accounts"})
    assert renamed.own_search_path == ("accounts", "user_schema", "public")
