"""`init` without a server: names, sizes, the YAML that it writes and mends, addresses that it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from components.catalogue.model import Workload
from components.catalogue.read import read_catalogue
from core.errors import NothingToDraft, SchemaMissing
from migration.init.address import parse, shared_database
from migration.init.crossings import Crossing
from migration.init.draft import ServiceDraft
from migration.init.model import SchemaFacts
from migration.init.names import ServiceNames, choose, name_services
from migration.init.sizes import Sizes, workload_of
from migration.init.write import comment, quoted, scalar, service_lines

pytestmark = pytest.mark.unit

SIZES = Sizes(Workload.MIXED, "nothing is known", 1 << 20, "for little", (25, 5), "usual", 100)
PLAIN_NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,62}", fullmatch=True)


def schema(name: str, **figures: int) -> SchemaFacts:
    zeros = dict.fromkeys(
        ("others", "bytes", "inserted", "updated", "deleted", "rows", "scans", "scanned", "lookups"), 0
    )
    return SchemaFacts(name, owner="app", of_extension=False, names=(), **{**zeros, "tables": 1, **figures})


def draft(names: ServiceNames, *crossings: Crossing) -> ServiceDraft:
    return ServiceDraft(names, SIZES, ("citext",), (), (), None, crossings, 3, 1 << 20, None)


def catalogue_text(*services: ServiceDraft) -> str:
    return "\n".join(["services:", *(line for one in services for line in service_lines(one))]) + "\n"


def chosen_names(*schemas: SchemaFacts, named: tuple[str, ...] = ()) -> list[str]:
    return [one.name for one in choose(schemas, named, "waqiti").schemas]


def test_the_plans_services_are_called_as_the_plan_calls_them() -> None:
    made = name_services([schema("wallet_schema"), schema("user_schema"), schema("ledger_schema")], "waqiti")
    assert made == [
        ServiceNames(
            "user", "user_schema", "postgres-user", 5433, "waqiti_users", "waqiti_user_service",
            "USER_DB_PASSWORD",
        ),
        ServiceNames(
            "wallet", "wallet_schema", "postgres-wallet", 5434, "waqiti_wallets", "waqiti_wallet_service",
            "WALLET_DB_PASSWORD",
        ),
        ServiceNames(
            "ledger", "ledger_schema", "postgres-ledger", 5435, "waqiti_ledger", "waqiti_ledger_service",
            "LEDGER_DB_PASSWORD",
        ),
    ]  # fmt: skip


@given(st.lists(PLAIN_NAMES, min_size=1, max_size=8, unique=True), st.text(min_size=1, max_size=70))
def test_every_schema_and_database_gives_names_that_a_catalogue_takes(
    tmp_path_factory: pytest.TempPathFactory, schemas: list[str], database: str
) -> None:
    able = [schema(name) for name in schemas if not name.startswith("pg_")]
    try:
        taken = choose(able, (), database).schemas
    except NothingToDraft:
        return
    drafts = [draft(one) for one in name_services(taken, database)]
    file = tmp_path_factory.mktemp("init") / "services.yaml"
    file.write_text(catalogue_text(*drafts), encoding="utf-8")
    assert len(read_catalogue(file).services) == len(drafts)


def test_schemas_that_are_no_services_are_left_out() -> None:
    assert chosen_names(
        schema("user_schema"),
        schema("pay_schema"),
        schema("empty_schema", tables=0),
        schema("payment_backup"),
        schema("topology"),
        schema("Odd_schema"),
        schema("user_schema_archived_20260101"),
    ) == ["user_schema", "pay_schema"]


def test_a_schema_that_is_named_is_taken_alone_and_empty() -> None:
    assert chosen_names(schema("user_schema"), schema("new", tables=0), named=("new",)) == ["new"]


def test_a_named_schema_that_is_not_there_is_said() -> None:
    with pytest.raises(SchemaMissing, match="no schema usr; there are: user_schema"):
        chosen_names(schema("user_schema"), named=("usr",))


def test_a_database_with_tables_in_public_alone_has_no_services() -> None:
    with pytest.raises(NothingToDraft, match="public: its name is reserved"):
        chosen_names(schema("public"))


@pytest.mark.parametrize(
    ("figures", "workload"),
    [
        ({}, Workload.MIXED),
        ({"inserted": 1000, "rows": 1000}, Workload.APPEND),
        ({"inserted": 1000, "deleted": 990, "rows": 10}, Workload.QUEUE),
        ({"inserted": 100, "lookups": 10_000}, Workload.READ_HEAVY),
        ({"inserted": 100, "scans": 200, "scanned": 10**8}, Workload.REPORTING),
        ({"inserted": 500, "updated": 500, "lookups": 900, "rows": 500}, Workload.TRANSACTIONS),
        ({"inserted": 500, "updated": 100, "lookups": 2000, "rows": 500}, Workload.MIXED),
    ],
)
def test_a_workload_is_what_the_figures_look_like(figures: dict[str, int], workload: Workload) -> None:
    assert workload_of(schema("user_schema", **figures), None)[0] == workload


@given(st.text())
def test_every_text_that_is_quoted_reads_back(text: str) -> None:
    assert "\n" not in quoted(text)
    assert yaml.safe_load(f"- match: {quoted(text)} # a comment")[0]["match"] == text


@example("\x85")
@example("a\n")
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=4))
def test_every_value_reads_back(value: object) -> None:
    text = f"key: {scalar(value)}"
    assert yaml.safe_load(text) == {"key": value}
    assert "\n" not in text


@given(st.text())
def test_every_comment_is_one_that_yaml_passes_over(text: str) -> None:
    assert yaml.safe_load(f"a: 1 # {comment(text)}\nb: 2") == {"a": 1, "b": 2}


def test_what_is_undecided_is_a_rule_once_it_is_no_comment(tmp_path: Path) -> None:
    (names,) = name_services([schema("user_schema")], "waqiti")
    crossing = Crossing("trigger user_schema.t.x -> it's", None, "what it does would end", ("drop",))
    text = catalogue_text(draft(names, crossing))
    file = tmp_path / "services.yaml"
    file.write_text(text, encoding="utf-8")
    assert read_catalogue(file).services["user"].crossing == ()
    margin = ("# crossing", "# - match", "#   action", "#   reason")
    lines = [
        line.replace("# ", "", 1) if line.strip().startswith(margin) else line for line in text.splitlines()
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    (rule,) = read_catalogue(file).services["user"].crossing
    assert (rule.match, rule.action) == (crossing.match, "drop")


def test_the_password_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DB_ADMIN_PASSWORD", "of-the-project")
    monkeypatch.setenv("ANOTHER", "of-the-variable")
    found = shared_database("postgresql://admin@localhost/waqiti", "ANOTHER")
    assert found.login.password.get_secret_value() == "of-the-variable"


def test_the_password_is_asked_for_on_a_terminal_where_no_variable_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SOURCE_DB_ADMIN_PASSWORD", raising=False)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "of-the-person")
    found = shared_database("postgresql://admin@localhost/waqiti", None)
    assert found.login.password.get_secret_value() == "of-the-person"


def test_the_parts_of_an_address_are_read() -> None:
    endpoint, role = parse("postgresql://admin@DB.example.com:5433/waqiti?sslmode=require")
    assert (endpoint.host, endpoint.port, endpoint.database, endpoint.sslmode, role) == (
        "db.example.com",
        5433,
        "waqiti",
        "require",
        "admin",
    )


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://admin:geheim-geheim@localhost/waqiti", "has a password in it"),
        ("host=localhost password=geheim-geheim user=a dbname=b", "has a password in it"),
        ("postgresql://admin:geheim-geheim@local host/waqiti", "no address of a database"),
        ("mysql://admin:geheim-geheim@localhost/waqiti", "no address of a database"),
        ("postgresql://localhost/waqiti", "names no role"),
        ("postgresql://admin@localhost", "names no database"),
        ("postgresql://admin@a,b/waqiti", "one host"),
        ("postgresql://admin@%2Frun%2Fpostgresql/waqiti", "one host"),
        ("postgresql://admin@localhost:1,2/waqiti", "one"),
        ("postgresql://admin@localhost/waqiti?target_session_attrs=any", "target_session_attrs"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_text(address: str, says: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        parse(address)
    assert says in str(refused.value)
    assert "geheim" not in str(refused.value)
