"""DatabaseLocale on real servers: what it makes of an empty database, and that it leaves a full one alone."""

from __future__ import annotations

import pytest

from components.locale import Locale
from components.service.database_locale import _Provider
from core.sessions.connections import Database
from servers.errors import ServerError
from tests.support.clusters import Cluster
from tests.support.locales import BUILTIN, C_UTF8, GERMAN, give_locale, properties

pytestmark = pytest.mark.integration


def lowered(database: Database) -> str:
    with database.connect() as connection:
        row = connection.execute("SELECT lower('ÀÉ')").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("versions", "locale"),
    [((17, 17), C_UTF8), ((17, 17), BUILTIN), ((17, 15), GERMAN)],
    indirect=["versions"],
    ids=["libc", "builtin", "icu"],
)
def test_an_empty_database_gets_the_locale(
    locale: Locale, target_cluster: Cluster, target_database: Database
) -> None:
    assert lowered(target_database) == "ÀÉ"
    give_locale(target_database, locale, target_cluster)
    made = _Provider().create(properties(target_database, locale)).outs
    assert lowered(target_database) == "àé"
    assert made is not None
    assert _Provider().read(target_database.endpoint.database, made).outs == made


@pytest.mark.parametrize("versions", [(17, 17)], indirect=True)
def test_its_row_is_the_one_that_create_database_would_write(
    target_cluster: Cluster, target_database: Database
) -> None:
    _Provider().create(properties(target_database, BUILTIN))
    with target_cluster.database().connect() as connection:
        connection.execute(
            "CREATE DATABASE locale_twin TEMPLATE template0 LOCALE_PROVIDER builtin"
            " BUILTIN_LOCALE 'C.UTF-8' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        rows = connection.execute(
            "SELECT to_jsonb(d) - '{oid,datname,datfrozenxid}'::text[] FROM pg_database d"
            " WHERE datname IN ('locale_twin', %s)",
            [target_database.endpoint.database],
        ).fetchall()
        connection.execute("DROP DATABASE locale_twin")
    assert rows[0] == rows[1]


@pytest.mark.parametrize("versions", [(17, 17)], indirect=True)
def test_another_locale_for_tables_that_exist_is_refused_in_the_preview(
    target_database: Database,
) -> None:
    before = properties(target_database, Locale())
    _Provider().create(before)
    with target_database.connect() as connection:
        connection.execute("CREATE SCHEMA s; CREATE TABLE s.t (a text UNIQUE)")
    wanted = properties(target_database, BUILTIN)
    (failure,) = _Provider().check(before, wanted).failures
    assert "has the locale C and holds 1 tables (the first: s.t)" in failure.reason
    assert "set `locale: C` again; or" in failure.reason
    with pytest.raises(ServerError, match="nothing was changed"):
        _Provider().update("", before, wanted)
    assert lowered(target_database) == "ÀÉ"
    with target_database.connect() as connection:
        connection.execute("DROP TABLE s.t")
    assert not _Provider().check(before, wanted).failures
    _Provider().update("", before, wanted)
    assert lowered(target_database) == "àé"


def test_a_server_that_is_not_there_yet_has_nothing_to_refuse(target_database: Database) -> None:
    wanted = {**properties(target_database, C_UTF8), "port": 1}
    assert not _Provider().check({}, wanted).failures


@pytest.mark.parametrize("versions", [(17, 17)], indirect=True)
def test_a_locale_that_the_server_lacks_leaves_the_database_as_it_was(target_database: Database) -> None:
    lacking = Locale.model_validate("xx_XX.UTF-8")
    with pytest.raises(ServerError, match="cannot be xx_XX"):
        _Provider().create(properties(target_database, lacking))
    assert lowered(target_database) == "ÀÉ"
