"""`init` against a real shared database: what it writes is what the stack and the plan read."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pglast import parse_sql
from pydantic import SecretStr

from components.catalogue.read import read_catalogue
from components.contract import Login
from core.errors import FilesExist, NothingToDraft, SchemaMissing, SourceUnreachable
from core.sessions.connections import Database
from migration.__main__ import main
from migration.catalog.read import read_catalog
from migration.plan.make import Plan, make_plan
from tests.support.clusters import SUPERUSER
from tests.support.contracts import make_contract, make_service
from tests.support.gateways import ensure_login

pytestmark = pytest.mark.integration

SCHEMA = Path(__file__).with_name("init_schema.sql")
APPLICATION = Login(name="init_application", password=SecretStr("application-password-of-nothing"))
LEFT_OPEN = {
    "function pay_schema.report(text) -> dynamic SQL",
    "publication warehouse -> pay_schema",
    "default pay_schema.payments.number -> user_schema.numbers",
    "table user_backup.users -> user_schema.level",
}


@dataclass(frozen=True)
class Ran:
    """What a run said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Shared:
    """A shared database, and `init` run on it."""

    database: Database
    folder: Path

    def init(self, *arguments: str, **changes: str) -> Ran:
        options = {"--source": self.url(SUPERUSER.name), "--out": str(self.folder), **changes}
        words = [word for pair in options.items() for word in pair]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["init", *words, *arguments])
        return Ran(code, out.getvalue(), err.getvalue())

    def url(self, role: str) -> str:
        end = self.database.endpoint
        return f"postgresql://{role}@{end.host}:{end.port}/{end.database}?hostaddr={end.address}"

    def done(self, *arguments: str, **changes: str) -> dict[str, Any]:
        ran = self.init("--json", *arguments, **changes)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        result: dict[str, Any] = json.loads(ran.stdout)
        return result

    @property
    def file(self) -> Path:
        return self.folder / "services.yaml"

    def plan(self) -> Plan:
        """The plan that follows from services.yaml."""
        services = [
            make_service(name, crossing=entry.crossing).model_copy(
                update={
                    "schema_name": entry.schema_name,
                    "reads": entry.reads,
                    "row_security": entry.row_security,
                }
            )
            for name, entry in read_catalogue(self.file).services.items()
        ]
        with self.database.connect() as connection:
            catalog = read_catalog(connection, application=APPLICATION.name)
        return make_plan(make_contract(self.database, services, APPLICATION), catalog)

    def execute(self, statement: str) -> None:
        with self.database.connect() as connection:
            connection.execute(statement.encode())


@pytest.fixture
def shared(source_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shared]:
    monkeypatch.setenv("SOURCE_DB_ADMIN_PASSWORD", SUPERUSER.password.get_secret_value())
    monkeypatch.setenv("WAQITI_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    ensure_login(source_database, APPLICATION)
    with source_database.connect() as connection:
        connection.execute(SCHEMA.read_bytes())
    yield Shared(source_database, tmp_path / "own")
    with source_database.connect() as connection:
        connection.execute("DROP OWNED BY init_application CASCADE")


def test_the_plan_lacks_nothing_but_what_is_marked_undecided(shared: Shared) -> None:
    shared.done()
    refused = "\n".join(problem.text for problem in shared.plan().no_go)
    assert refused.count("\n") + 1 == len(LEFT_OPEN)
    assert all(f"{edge} " in refused for edge in LEFT_OPEN)
    text = shared.file.read_text()
    assert all(f"# UNDECIDED: {edge}" in text for edge in LEFT_OPEN)


def test_services_have_what_their_objects_need(shared: Shared) -> None:
    shared.done()
    services = read_catalogue(shared.file).services
    assert {name: entry.schema_name for name, entry in services.items()} == {
        "user": "user_schema",
        "pay": "pay_schema",
    }
    assert services["user"].extensions == ("citext",)
    assert services["pay"].reads == ("user",)
    assert (services["user"].row_security, services["pay"].row_security) == ("bypass", None)
    assert services["user"].database.endswith("_users")


def test_the_result_says_what_is_no_service_and_who_works_there(shared: Shared) -> None:
    result = shared.done()
    assert {one["schema"] for one in result["left"]} >= {"user_backup", "public"}
    assert result["application"] == APPLICATION.name


def test_every_statement_for_the_server_is_sql(shared: Shared) -> None:
    lacks = shared.done()["lacks"]
    for lack in lacks:
        for statement in lack["statements"]:
            parse_sql(statement)
    assert any("pg_stat_statements" in lack["what"] for lack in lacks)


def test_the_next_commands_are_shell(shared: Shared) -> None:
    blocks = shared.done()["next"]
    script = "\n".join(command for block in blocks for command in block["commands"])
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "pulumi stack select --create dev" in script


def test_nothing_is_overwritten(shared: Shared) -> None:
    shared.done()
    shared.file.write_text("mine", encoding="utf-8")
    ran = shared.init()
    assert ran.returncode == FilesExist.exit_code, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert shared.file.read_text() == "mine"


def test_an_update_of_an_unchanged_database_changes_nothing(shared: Shared) -> None:
    shared.done()
    assert shared.done("--update")["diff"] == ""


def test_an_update_adds_what_has_come_and_leaves_every_other_line(shared: Shared) -> None:
    shared.done()
    mine = shared.file.read_text().replace("workload: mixed", "workload: queue", 1)
    shared.file.write_text(mine, encoding="utf-8")
    shared.execute(
        "CREATE EXTENSION seg;"
        "CREATE TABLE user_schema.more (pay bigint REFERENCES pay_schema.payments, path seg);"
        "CREATE SCHEMA new_schema CREATE TABLE things (id int PRIMARY KEY)"
    )
    result = shared.done("--update", "--write")
    lines = shared.file.read_text().splitlines()
    assert result["written"]
    lost = [line for line in mine.splitlines() if line not in lines]
    assert [line.strip() for line in lost] == ["extensions: [citext]"]
    services = read_catalogue(shared.file).services
    assert set(services) == {"user", "pay", "new"}
    assert services["user"].extensions == ("citext", "seg")
    assert any("user_schema.more" in rule.match for rule in services["user"].crossing)
    assert shared.done("--update")["diff"] == ""


def test_an_update_only_shows_unless_it_is_to_write(shared: Shared) -> None:
    shared.done()
    before = shared.file.read_text()
    shared.execute("CREATE SCHEMA new_schema CREATE TABLE things (id int PRIMARY KEY)")
    ran = shared.init("--update")
    assert ran.returncode == 0
    assert "+  new:" in ran.stdout
    assert shared.file.read_text() == before


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"--schema": "usr_schema"}, SchemaMissing.exit_code),
        ({"--schema": "public"}, NothingToDraft.exit_code),
        ({"--source": "postgresql://a@localhost:1/b?hostaddr=127.0.0.1"}, SourceUnreachable.exit_code),
        ({"--source": "postgresql://a:geheim-geheim@localhost/b"}, 2),
        ({"--password-variable": "NO_SUCH_VARIABLE"}, 2),
        ({"--out": "/proc/nowhere"}, 2),
    ],
)
def test_bad_input_is_one_line_with_a_code(shared: Shared, changes: dict[str, str], code: int) -> None:
    ran = shared.init(**changes)
    assert (ran.returncode, ran.stderr.count("\n"), ran.stdout) == (code, 1, ""), ran.stderr
    assert "geheim" not in ran.stderr


def test_a_role_without_rights_of_an_administrator_is_told_which_it_lacks(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_APPLICATION", APPLICATION.password.get_secret_value())
    url = shared.url(APPLICATION.name)
    result = shared.done(**{"--source": url, "--password-variable": "OF_THE_APPLICATION"})
    (lack,) = (one for one in result["lacks"] if "no superuser" in one["what"])
    for statement in lack["statements"]:
        shared.execute(statement)
    assert "ALTER ROLE" in lack["statements"][0]


def test_a_role_that_all_services_share_is_made_where_there_is_none(shared: Shared) -> None:
    shared.execute("REASSIGN OWNED BY init_application TO tester; DROP OWNED BY init_application")
    result = shared.done("--application", "init_new_role")
    (lack,) = (one for one in result["lacks"] if "no role init_new_role" in one["what"])
    for statement in lack["statements"]:
        shared.execute(statement)
    shared.execute("SET ROLE init_new_role; SELECT count(*) FROM pay_schema.payments")
    shared.execute("DROP OWNED BY init_new_role; DROP ROLE init_new_role")


def test_a_database_that_is_not_there_and_a_wrong_password_are_told_apart(shared: Shared) -> None:
    end = shared.database.endpoint
    place = f"{end.host}:{end.port}"
    missing = shared.init(
        **{"--source": f"postgresql://{SUPERUSER.name}@{place}/nosuch?hostaddr={end.address}"}
    )
    stranger = shared.init(**{"--source": f"postgresql://nobody_at_all@{place}/x?hostaddr={end.address}"})
    assert (missing.returncode, stranger.returncode) == (44, 13)
    assert "has no database nosuch" in missing.stderr
