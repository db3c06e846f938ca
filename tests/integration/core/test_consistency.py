"""References between services, checked wherever their two ends are, while both are written to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.contract import Contract
from core.errors import OrphansFound, RenameRefused
from core.progress.interface import Silent
from core.references import check
from core.references.model import Checked, Consistency
from core.sessions.connections import Database
from migration.__main__ import main
from migration.consistency.check import check_consistency
from migration.consistency.keys import drop_crossing_keys
from migration.journal.journal import open_journal
from migration.journal.renamed import RENAME_STEP
from migration.journal.states import State
from tests.support.clusters import Cluster
from tests.support.contracts import make_contract, make_service
from tests.support.moves import revealed
from tests.support.versions import every_version_pair

pytestmark = pytest.mark.integration

SCHEMAS = ("user_schema", "payment_schema")
USERS = """
CREATE SCHEMA user_schema;
CREATE TABLE user_schema.users (id int PRIMARY KEY);
INSERT INTO user_schema.users SELECT generate_series(1, 50000);
"""
PAYMENTS = """
CREATE SCHEMA payment_schema;
CREATE TABLE payment_schema.payments (id int PRIMARY KEY, payer bigint);
INSERT INTO payment_schema.payments SELECT n, 1 + n % 50000 FROM generate_series(1, 60000) AS n;
"""
KEY = (
    "ALTER TABLE payment_schema.payments ADD CONSTRAINT payer"
    " FOREIGN KEY (payer) REFERENCES user_schema.users"
)


@dataclass(frozen=True)
class Scene:
    """A shared database of two services, and a database of its own for each."""

    shared: Database
    own: dict[str, Database]
    contract: Contract

    def live_in(self, service: str, state: str) -> None:
        """Let the journal say so."""
        with open_journal(self.shared, self.contract) as journal:
            move = journal.start(self.contract.services[service], "online", State.STARTING)
            journal.set_state(move, state)

    def run(self, database: Database, *statements: str) -> None:
        """Execute statements on one of the databases."""
        with database.connect() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def check(self, look_again: float = 0.05, limit: int = 1000) -> Consistency:
        """The check of all references."""
        return check_consistency(
            self.contract, list(self.contract.services), limit=limit, look_again=look_again, progress=Silent()
        )

    def only(self, look_again: float = 0.05) -> Checked:
        """The check of the only reference."""
        found = self.check(look_again)
        assert not found.failed, [str(one.error) for one in found.failed]
        (one,) = found.checked
        return one

    def split(self, key: str, users: str, payments: str) -> None:
        """Both services in their own databases; what is left in the shared one says the contrary of them."""
        self.run(self.shared, *(_empty(text) for text in (users, payments)), key)
        with open_journal(self.shared, self.contract):
            drop_crossing_keys(self.shared, "user_schema", SCHEMAS)
        self.run(self.own["user"], users)
        self.run(self.own["payment"], payments)
        for service in self.own:
            self.live_in(service, State.MOVED)


def _empty(statements: str) -> str:
    """The same without rows."""
    return ";".join(one for one in statements.split(";") if "INSERT" not in one)


@pytest.fixture
def scene(source_database: Database, target_database: Database, target_cluster: Cluster) -> Iterator[Scene]:
    second = target_cluster.new_database()
    own = {"user": second, "payment": target_database}
    services = [make_service(name, one.endpoint, one.login) for name, one in own.items()]
    yield Scene(source_database, own, make_contract(source_database, services))
    target_cluster.drop_database(second)


def test_before_the_split_todays_orphans_are_named(scene: Scene) -> None:
    scene.run(
        scene.shared, USERS, PAYMENTS, "INSERT INTO payment_schema.payments VALUES (70001, 99), (70002, -7)"
    )
    scene.run(scene.shared, "INSERT INTO payment_schema.payments VALUES (70003, -7), (70004, NULL)")
    scene.run(scene.shared, f"{KEY} NOT VALID")
    one = scene.only()
    assert one.reference.homes == ("shared", "shared")
    assert not one.reference.enforced
    assert [str(orphan) for orphan in one.orphans] == ["(-7): 2 rows"]
    assert (one.keys, one.orphan_keys, one.orphan_rows) == (50001, 1, 2)


@every_version_pair
def test_after_the_split_each_end_is_read_where_its_service_lives(scene: Scene) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    one = scene.only()
    assert one.reference.homes == ("own", "own")
    assert (one.keys, one.orphan_rows, one.settled) == (50000, 0, 0)
    scene.run(scene.own["user"], "DELETE FROM user_schema.users WHERE id IN (1, 20000, 50000)")
    assert [o.values for o in scene.only().orphans] == [("1",), ("20000",), ("50000",)]


@pytest.mark.parametrize("moved", ["user", "payment"])
def test_one_service_has_moved_and_the_other_has_not(scene: Scene, moved: str) -> None:
    scene.run(scene.shared, USERS, PAYMENTS, KEY)
    with open_journal(scene.shared, scene.contract):
        drop_crossing_keys(scene.shared, "user_schema", SCHEMAS)
    scene.run(scene.own[moved], USERS if moved == "user" else PAYMENTS)
    scene.live_in(moved, State.MOVED)
    assert scene.only().orphan_rows == 0
    # What the shared database still has of the service that moved does not count.
    scene.run(scene.shared, "DELETE FROM user_schema.users WHERE id <= 2")
    assert scene.only().orphan_rows == (0 if moved == "user" else 3)


def test_a_service_in_a_switch_is_where_its_guards_are_open(scene: Scene) -> None:
    scene.run(scene.shared, USERS, PAYMENTS, KEY)
    with open_journal(scene.shared, scene.contract):
        drop_crossing_keys(scene.shared, "user_schema", SCHEMAS)
    scene.live_in("user", State.CUTTING_OVER)
    assert scene.only().reference.homes == ("shared", "shared")
    flag = "CREATE SCHEMA waqiti_migration; CREATE SEQUENCE waqiti_migration.open_user MINVALUE 0"
    scene.run(scene.own["user"], USERS, flag, "SELECT setval('waqiti_migration.open_user', 1)")
    assert scene.only().reference.homes == ("shared", "own")


TYPES = {
    "numbers": ("numeric(10,2)", "int", "ARRAY[1, 2, 30]", "-4"),
    "floats": ("double precision", "real", "ARRAY[0.5, 1e3, 'NaN', -0.0]", "0.1"),
    "texts": ("text", "varchar(9)", r"ARRAY['a', 'A', E'tab\there', E'a\\b', E'\n', 'é']", "'b'"),
    "padded": ("char(5)", "char(9)", "ARRAY['a', 'b  ']", "'c'"),
    "uuids": ("uuid", "uuid", "ARRAY[md5('1'), md5('2')]::uuid[]", "md5('3')::uuid"),
    "bytes": ("bytea", "bytea", r"ARRAY['\x00', '\xff09', '\x0a']::bytea[]", r"'\x01'"),
    "instants": ("timestamptz", "timestamptz", "ARRAY['2020-01-01 00:00+05', 'infinity']", "'2021-01-01'"),
    "intervals": ("interval", "interval", "ARRAY['1 day', '1 month']", "'25 hours'"),
    "days": ("date", "timestamp", "ARRAY['2020-01-01', '2021-02-03']", "'2021-02-03 01:00'"),
    "caseless": ("public.citext", "public.citext", "ARRAY['Ab', 'c']", "'d'"),
    "domains": ("user_schema.code", "text", "ARRAY['x', 'y']", "'z'"),
    "arrays": ("int[]", "int[]", "ARRAY['{1,2}', '{}']::text[]", "'{1}'"),
    "booleans": ("boolean", "boolean", "ARRAY[true]", "false"),
}

WRITTEN_OTHERWISE = {"intervals": "'24 hours'", "caseless": "'aB'", "numbers": "30"}
"""Values that are equal to one that is there, and are written otherwise."""


def test_values_of_every_type_are_found_and_the_orphan_alone_is_named(scene: Scene) -> None:
    ready = "CREATE SCHEMA {0}; CREATE EXTENSION IF NOT EXISTS citext; CREATE DOMAIN {0}.code AS text"
    fill = "CREATE TABLE {0} (id {1} {2}); INSERT INTO {0} SELECT unnest({3})::text::{1}"
    insert = "INSERT INTO {} VALUES ({})"
    users, payments = [ready.format("user_schema")], [ready.format("payment_schema")]
    keys, orphans = [], []
    for name, (theirs, ours, values, orphan) in TYPES.items():
        user, payment = f"user_schema.{name}", f"payment_schema.{name}"
        users.append(fill.format(user, theirs, "PRIMARY KEY", values))
        payments.append(fill.format(payment, ours, "", values))
        if name in WRITTEN_OTHERWISE:
            payments.append(insert.format(payment, WRITTEN_OTHERWISE[name]))
        keys.append(f"ALTER TABLE {payment} ADD FOREIGN KEY (id) REFERENCES {user}")
        orphans.append(insert.format(payment, f"{orphan}), ({orphan}"))
    scene.split("; ".join(keys), "; ".join(users), "; ".join(payments))
    found = {one.reference.key.table.name: one for one in scene.check(look_again=0).checked}
    assert {name: one.orphans for name, one in found.items()} == dict.fromkeys(TYPES, ())
    scene.run(scene.own["payment"], *orphans)
    found = {one.reference.key.table.name: one for one in scene.check(look_again=0).checked}
    assert {name: (one.orphan_keys, one.orphan_rows) for name, one in found.items()} == dict.fromkeys(
        TYPES, (1, 2)
    )


def test_equal_means_what_the_referenced_collation_says(scene: Scene) -> None:
    scene.run(
        scene.shared,
        "CREATE SCHEMA user_schema; CREATE SCHEMA payment_schema;"
        " CREATE COLLATION user_schema.loose"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
        " CREATE TABLE user_schema.users (id text COLLATE user_schema.loose PRIMARY KEY);"
        " CREATE TABLE payment_schema.payments (payer text);"
        " INSERT INTO user_schema.users VALUES ('Ahmed'), ('émile');"
        " INSERT INTO payment_schema.payments VALUES ('AHMED'), ('ahmed'), ('emile');",
        f"{KEY} NOT VALID",
    )
    assert [orphan.values for orphan in scene.only().orphans] == [("emile",)]


@pytest.mark.parametrize(("match", "orphans"), [("SIMPLE", 1), ("FULL", 3)])
def test_nulls_free_a_row_as_the_key_says(scene: Scene, match: str, orphans: int) -> None:
    users = (
        "CREATE SCHEMA user_schema; CREATE TABLE user_schema.users (a text, b int, UNIQUE (a, b));"
        " INSERT INTO user_schema.users VALUES ('x', 1), (E'y\\t', 2), (NULL, 5)"
    )
    payments = (
        "CREATE SCHEMA payment_schema; CREATE TABLE payment_schema.payments (b int, a text);"
        " INSERT INTO payment_schema.payments"
        " VALUES (1, 'x'), (2, E'y\\t'), (2, 'x'), (NULL, NULL), (NULL, 'x'), (5, NULL)"
    )
    key = (
        "ALTER TABLE payment_schema.payments ADD CONSTRAINT payer"
        f" FOREIGN KEY (a, b) REFERENCES user_schema.users (a, b) MATCH {match}"
    )
    scene.split(key, users, payments)
    one = scene.only()
    assert one.orphan_rows == one.orphan_keys == orphans
    assert ("x", "2") in {orphan.values for orphan in one.orphans}


def test_partitions_count_and_tables_that_inherit_do_not(scene: Scene) -> None:
    scene.split(
        KEY,
        "CREATE SCHEMA user_schema;"
        " CREATE TABLE user_schema.users (id int PRIMARY KEY) PARTITION BY HASH (id);"
        " CREATE TABLE user_schema.u PARTITION OF user_schema.users FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
        " INSERT INTO user_schema.users VALUES (1), (2)",
        "CREATE SCHEMA payment_schema; CREATE TABLE payment_schema.payments (payer int);"
        " CREATE TABLE payment_schema.child () INHERITS (payment_schema.payments);"
        " INSERT INTO payment_schema.payments VALUES (1); INSERT INTO payment_schema.child VALUES (77)",
    )
    assert (scene.only().keys, scene.only().orphan_rows) == (1, 0)


CLOSE = """
CREATE SCHEMA user_schema; CREATE DOMAIN user_schema.code AS bigint;
CREATE TABLE user_schema.users (id user_schema.code PRIMARY KEY){partitioned};{parts}
INSERT INTO user_schema.users SELECT n FROM generate_series(-1000, 5000) AS n WHERE n % 3 <> 0;
ANALYZE user_schema.users;{analyzed}
"""
REFERRING = """
CREATE SCHEMA payment_schema; CREATE TABLE payment_schema.payments (payer {type});
INSERT INTO payment_schema.payments SELECT n FROM generate_series(-1000, 5000) AS n WHERE n % 3 <> 0;
INSERT INTO payment_schema.payments SELECT NULL FROM generate_series(1, 9);
INSERT INTO payment_schema.payments SELECT unnest(ARRAY[-1002, -999, 0, 63, 63, 4500, 5001, {far}]);
"""
PARTS = {
    "": {"partitioned": "", "parts": "", "analyzed": ""},
    "in partitions": {
        "partitioned": " PARTITION BY RANGE (id)",
        "parts": "CREATE TABLE user_schema.u1 PARTITION OF user_schema.users FOR VALUES FROM (-9999) TO (64);"
        "CREATE TABLE user_schema.u2 PARTITION OF user_schema.users FOR VALUES FROM (64) TO (9999);",
        "analyzed": "ANALYZE user_schema.u1; ANALYZE user_schema.u2;",
    },
}


@every_version_pair
@pytest.mark.parametrize(("type", "far"), [("smallint", -32768), ("bigint", 2**63 - 1)])
@pytest.mark.parametrize("parts", PARTS)
def test_numbers_close_together_are_compared_in_words_of_64(
    scene: Scene, type: str, far: int, parts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(check, "_merge_lines")
    scene.split(KEY, CLOSE.format(**PARTS[parts]), REFERRING.format(type=type, far=far))
    one = scene.only()
    found = {int(orphan.values[0] or 0): orphan.rows for orphan in one.orphans}
    assert found == {-1002: 1, -999: 1, 0: 1, 63: 2, 4500: 1, 5001: 1, far: 1}
    assert (one.keys, one.orphan_keys, one.orphan_rows, one.settled) == (4001 + 7, 7, 8, 0)


def test_numbers_far_from_each_other_are_compared_one_by_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(check, "_merge_words")
    scene.split(
        KEY,
        "CREATE SCHEMA user_schema; CREATE TABLE user_schema.users (id bigint PRIMARY KEY);"
        " INSERT INTO user_schema.users SELECT n::bigint << 40 FROM generate_series(1, 1000) AS n;"
        " ANALYZE user_schema.users",
        "CREATE SCHEMA payment_schema; CREATE TABLE payment_schema.payments (payer bigint);"
        " INSERT INTO payment_schema.payments SELECT n::bigint << 40 FROM generate_series(1, 1001) AS n",
    )
    assert [orphan.values for orphan in scene.only().orphans] == [(str(1001 << 40),)]


def test_writes_to_both_sides_give_no_false_orphan_and_hide_no_true_one(scene: Scene) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    scene.run(scene.own["payment"], "INSERT INTO payment_schema.payments VALUES (-1, -1)")
    ended = threading.Event()

    def write() -> None:
        # A payer is made before its payment, and removed after it: the order that a foreign key asks for.
        number = 0
        with scene.own["user"].connect() as users, scene.own["payment"].connect() as payments:
            while not ended.is_set():
                number += 1
                new, old = 100_000 + number, 100_000 + number - 20
                users.execute("INSERT INTO user_schema.users VALUES (%s)", [new])
                payments.execute("INSERT INTO payment_schema.payments VALUES (%s, %s)", [new, new])
                payments.execute("DELETE FROM payment_schema.payments WHERE id = %s", [old])
                users.execute("DELETE FROM user_schema.users WHERE id = %s", [old])

    writers = threading.Thread(target=write)
    writers.start()
    try:
        for _ in range(8):
            assert [orphan.values for orphan in scene.only(look_again=0).orphans] == [("-1",)]
    finally:
        ended.set()
        writers.join()


def test_a_reference_that_cannot_be_checked_does_not_stop_the_others(scene: Scene) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    scene.run(
        scene.shared,
        "INSERT INTO waqiti_migration.crossing_keys VALUES ('payment_schema', 'payments', 'gone',"
        " 'FOREIGN KEY (gone) REFERENCES user_schema.users(id)', 'user_schema')",
    )
    found = scene.check()
    assert len(found.checked) == 1
    (failed,) = found.failed
    assert "payment_schema.payments has no column gone any more" in str(failed.error)
    assert not found.consistent


def test_the_command_prints_one_line_and_has_an_exit_code_of_its_own(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    file = tmp_path / "contract.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(revealed(scene.contract.model_dump())))
    command = ["consistency", "--json", "--look-again", "0", "--limit", "2", "--contract", str(file)]
    # Another operator's lock is no reason to wait.
    with open_journal(scene.shared, scene.contract):
        assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["consistent"] is True
    scene.run(scene.own["user"], "DELETE FROM user_schema.users WHERE id <= 3")
    assert main(command) == OrphansFound.exit_code
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["error"]["class"] == "OrphansFound"
    (reference,) = said["references"]
    assert (reference["orphan_keys"], len(reference["orphans"]), reference["listed_all"]) == (3, 2, False)


def test_rows_that_are_being_written_keep_nobody_waiting(scene: Scene) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    with scene.own["payment"].connect() as writer, writer.transaction():
        writer.execute("LOCK TABLE payment_schema.payments IN EXCLUSIVE MODE")
        writer.execute("UPDATE payment_schema.payments SET payer = -5 WHERE id = 1")
        assert scene.only().orphan_rows == 0


def test_a_schema_renamed_in_its_own_database_is_found_by_its_new_name(scene: Scene) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    for service, name in (("user", "accounts"), ("payment", "paying")):
        scene.run(scene.own[service], f"ALTER SCHEMA {service}_schema RENAME TO {name}")
        renamed = scene.contract.services[service].model_copy(update={"own_schema": name})
        scene.contract.services[service] = renamed
    assert scene.only().orphan_rows == 0
    scene.run(scene.own["user"], "DELETE FROM accounts.users WHERE id <= 3")
    assert scene.only().orphan_keys == 3


def test_a_new_name_that_services_yaml_lost_is_told_of(
    scene: Scene,
) -> None:
    scene.split(KEY, USERS, PAYMENTS)
    with open_journal(scene.shared, scene.contract) as journal:
        move = journal.last_move("user")
        assert move is not None
        journal.end(journal.begin(move, RENAME_STEP), "done", {"renamed_to": "accounts"})
        journal.set_state(move, State.FINISHED, over=True)
    scene.run(scene.own["user"], "ALTER SCHEMA user_schema RENAME TO accounts")
    (failed,) = scene.check().failed
    assert "put `ownSchema: accounts` back, then `pulumi up`" in str(failed.error)
    with pytest.raises(RenameRefused, match=r"services\.yaml has no `ownSchema` any more"):
        scene.check().require()
    scene.run(scene.own["user"], "ALTER SCHEMA accounts RENAME TO user_schema")
    assert scene.only().orphan_rows == 0, "a person gave it the old name"
    scene.run(scene.own["payment"], "ALTER TABLE payment_schema.payments RENAME payer TO who")
    (failed,) = scene.check().failed
    assert "has no column payer any more" in str(failed.error)
