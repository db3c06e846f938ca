"""`locale` and `extensions` of services.yaml in a real stack, and when it may change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.logins import connect
from tests.acceptance.stack import Stack, stack_that_is_up
from tests.support.places import REPOSITORY

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not os.environ.get("WAQITI_ALL_FAULTS"),
        reason="a stack of its own; the parts are tried by test_database_locale and test_uuid_ossp",
    ),
]

EXTENSIONS = ["citext", "earthdistance", "hstore", "pg_trgm", "pgcrypto", "tablefunc", "dblink", "uuid-ossp"]


def test_a_locale_changes_only_while_there_are_no_tables(
    settings_beside: dict[str, Any], variables: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "services.yaml"

    def say(locale: object) -> None:
        content = yaml.safe_load((REPOSITORY / "services.yaml").read_text(encoding="utf-8"))
        content["services"]["user"] |= {"locale": locale, "extensions": EXTENSIONS}
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    say("C.UTF-8")
    own = {**settings_beside, "services": ["user"], "catalogue": str(file)}
    with stack_that_is_up(own, variables) as stack:
        assert stack.changes() == {}
        assert asked(stack) == ("c", "C.UTF-8", "é", 36)
        say({"provider": "builtin", "name": "C.UTF-8"})
        assert stack.changes() == {"update": ["user-roles-locale"]}
        stack.up()
        stack.run("refresh", "--yes", "--skip-preview", "--stack", "test")
        assert stack.changes() == {}
        assert asked(stack) == ("b", "C", "é", 36)
        user = stack.contract().services["user"]
        with connect(user.instance, user.migration) as connection:
            connection.execute("SET ROLE waqiti_user_owner; CREATE TABLE user_schema.t (a text)")
        say("C")
        refused = stack.run("preview", "--stack", "test", check=False)
        assert refused.code != 0
        assert "holds 1 tables (the first: user_schema.t)" in " ".join(refused.output.split())
        say("xx_XX.UTF-8")
        assert "has no locale xx_XX.UTF-8" in stack.run("preview", "--stack", "test", check=False).output


def asked(stack: Stack) -> tuple[Any, ...]:
    """What the service's role finds: provider, collation, whether É is a letter, a UUID's length."""
    user = stack.contract().services["user"]
    with connect(user.instance, user.service) as connection:
        row = connection.execute(
            "SELECT datlocprovider, datcollate, lower('É'),"
            " length(uuid_generate_v5(uuid_ns_dns(), 'a')::text)"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return row
