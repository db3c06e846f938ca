"""A shared database of 240 tables, on most days 128, with the habits of a payments company's migration files.

Nothing is drawn: table i of a service has what `i` says, so that each habit stands in each service.
One role owns everything and is what all services log in as; the services' statements name no schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.support import depth

TABLES_EACH = 28 if depth.is_wholly(5) else 14
"""Beside a partitioned table with its partitions. Of 14 each habit stands in each service already."""
TABLES_PLANNED = TABLES_EACH + 2
"""The partitions among them."""
ROWS = 12
DATABASE = "waqiti"
APPLICATION = "waqiti_app"
OTHER_ROLES = ("waqiti_reports", "waqiti_support")
STRAY = "payment_backup"

NOUNS: Mapping[str, tuple[str, ...]] = {
    "user": ("users", "profiles", "devices", "addresses"),
    "payment": ("payments", "refunds", "merchants", "disputes"),
    "wallet": ("wallets", "holds", "limits", "cards"),
    "ledger": ("accounts", "entries", "journals", "periods"),
    "compliance": ("cases", "alerts", "screenings", "documents"),
    "analytics": ("events", "metrics", "cohorts", "exports"),
    "security": ("sessions", "keys", "incidents", "audits"),
    "notification": ("messages", "templates", "channels", "receipts"),
}
CROSSING: Mapping[str, str] = {
    "payment": "user",
    "wallet": "user",
    "ledger": "wallet",
    "compliance": "payment",
    "analytics": "wallet",
    "security": "user",
    "notification": "user",
}
"""Whose first table a service's second one refers to."""
HSTORE_HOME = "wallet"
"""In whose schema the extension is that others use, too."""


@dataclass(frozen=True)
class Shape:
    """What table number `number` of a service has."""

    service: str
    number: int

    @property
    def schema(self) -> str:
        return f"{self.service}_schema"

    @property
    def name(self) -> str:
        nouns = NOUNS[self.service]
        noun = nouns[self.number % len(nouns)]
        turn = self.number // len(nouns)
        return noun if not turn else f"{noun}_{_TURNS[turn - 1]}"

    @property
    def key(self) -> str:
        """How its primary key comes about: `uuid`, `ossp`, `identity` or `serial`."""
        return ("uuid", "identity", "ossp", "serial")[self.number % 4]

    @property
    def guarded(self) -> bool:
        """Whether it has row security."""
        return self.number % 9 == 5

    @property
    def keyless(self) -> bool:
        return self.number % 14 == 13


_TURNS = ("history", "settings", "notes", "events", "tags", "archive")


def shapes(service: str) -> list[Shape]:
    """The service's tables."""
    return [Shape(service, number) for number in range(TABLES_EACH)]


def server_script() -> str:
    """Roles, for a superuser in any database of the server; `PASSWORD` is the caller's to set."""
    return "\n".join(
        f"DO $$ BEGIN CREATE ROLE {role} {login}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        for role, login in ((APPLICATION, "LOGIN"), *((role, "NOLOGIN") for role in OTHER_ROLES))
    )


def script() -> str:
    """Everything in the database, for a superuser."""
    return "\n".join(_statements())


def _statements() -> Iterator[str]:
    yield 'CREATE EXTENSION "uuid-ossp" SCHEMA public;'
    yield "CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION pgcrypto SCHEMA public;"
    yield "CREATE EXTENSION pg_trgm SCHEMA public;"
    yield f"GRANT CREATE ON SCHEMA public TO {APPLICATION};"
    for service in NOUNS:
        yield f"CREATE SCHEMA {service}_schema AUTHORIZATION {APPLICATION};"
    yield f"CREATE EXTENSION hstore SCHEMA {HSTORE_HOME}_schema;"
    yield f"CREATE SCHEMA {STRAY} AUTHORIZATION {APPLICATION};"
    yield f"SET ROLE {APPLICATION};"
    yield (
        "CREATE FUNCTION public.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN NEW.updated_at = CURRENT_TIMESTAMP; RETURN NEW; END $$;"
    )
    yield (
        "CREATE FUNCTION public.mask_email(email varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS"
        " $$ SELECT left(email, 2) || '***' || substring(email from '@.*$') $$;"
    )
    for service in NOUNS:
        yield from _service(service)
    yield from _crossing()
    yield f"CREATE TABLE {STRAY}.payments_before AS SELECT * FROM payment_schema.payments;"
    yield "RESET ROLE; ANALYZE;"


def _service(service: str) -> Iterator[str]:
    schema = f"{service}_schema"
    yield f"CREATE TYPE {schema}.priority AS ENUM ('LOW', 'MEDIUM', 'HIGH');"
    yield f"CREATE DOMAIN {schema}.currency AS varchar(3) CHECK (VALUE IN ('USD', 'EUR', 'KES'));"
    yield f"CREATE SEQUENCE {schema}.reference_numbers START 1000 INCREMENT 7;"
    tables = shapes(service)
    for shape in tables:
        yield from _table(shape)
    for shape in tables[1:]:
        if shape.number % 4 != 0 and not tables[shape.number - 1].keyless:
            yield _inside_key(tables[shape.number - 1], shape)
    yield from _partitioned(schema)
    yield from _code(service)
    for role in OTHER_ROLES:
        yield f"GRANT USAGE ON SCHEMA {schema} TO {role};"
    yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {OTHER_ROLES[0]};"
    first = tables[0]
    yield f"GRANT SELECT, UPDATE (notes) ON {schema}.{first.name} TO {OTHER_ROLES[1]};"


def _table(shape: Shape) -> Iterator[str]:
    table = f"{shape.schema}.{shape.name}"
    keys = {
        "uuid": "id uuid PRIMARY KEY DEFAULT gen_random_uuid()",
        "ossp": "id uuid PRIMARY KEY DEFAULT uuid_generate_v4()",
        "identity": "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "serial": "id bigserial PRIMARY KEY",
    }
    key = keys[shape.key].replace(" PRIMARY KEY", "") if shape.keyless else keys[shape.key]
    columns = [
        key,
        f"reference varchar(64) NOT NULL{'' if shape.keyless else ' UNIQUE'}",
        "status varchar(20) NOT NULL DEFAULT 'ACTIVE'"
        " CHECK (status IN ('ACTIVE', 'PENDING', 'SUSPENDED', 'CLOSED'))",
        "email varchar(255)",
        "owner_id varchar(20)",
        "amount numeric(19,4) DEFAULT 0 CHECK (amount BETWEEN 0 AND 1000000 AND amount <> 13)",
        "score integer CHECK (score between 0 and 100)",
        f"priority {shape.schema}.priority NOT NULL DEFAULT 'MEDIUM'",
        f"currency {shape.schema}.currency DEFAULT 'USD'",
        "tags text[] DEFAULT '{}'",
        "details jsonb NOT NULL DEFAULT '{}'::jsonb",
        "notes text",
        "active boolean NOT NULL DEFAULT true",
        "created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP",
        "updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP",
    ]
    if shape.number % 3 == 0:
        columns.append("CONSTRAINT closed_has_notes CHECK (status NOT IN ('CLOSED') OR notes IS NOT NULL)")
    if shape.number % 5 == 1:
        columns.append("login citext")
    if shape.number % 5 == 2:
        columns.append(f"attributes {HSTORE_HOME}_schema.hstore")
    if shape.number % 6 == 3:
        columns.append("email_lower text GENERATED ALWAYS AS (lower(email)) STORED")
    if shape.number % 7 == 4:
        columns.append(f"number bigint NOT NULL DEFAULT nextval('{shape.schema}.reference_numbers')")
    yield f"CREATE TABLE {table} (\n    " + ",\n    ".join(columns) + "\n);"
    yield f"CREATE INDEX idx_{shape.name}_email ON {table} (lower(email));"
    yield f"CREATE INDEX idx_{shape.name}_open ON {table} (created_at) WHERE status IN ('ACTIVE', 'PENDING');"
    if shape.number % 4 == 1:
        yield f"CREATE INDEX idx_{shape.name}_details ON {table} USING gin (details);"
    if shape.number % 8 == 2:
        yield f"CREATE INDEX idx_{shape.name}_notes ON {table} USING gin (notes gin_trgm_ops);"
    yield (
        f"INSERT INTO {table} (reference, email, owner_id, amount, score, details, notes, tags)"
        f" SELECT '{shape.name}-' || i, 'É' || i || '@Example.com', 'owner-' || i % 3, i * 10.5, i % 100,"
        " jsonb_build_object('i', i, 'name', 'Zoë'), 'note ' || i, ARRAY['a', 'b' || i]"
        f" FROM generate_series(1, {ROWS}) i;"
    )
    yield (
        f"CREATE TRIGGER update_{shape.name}_updated_at BEFORE UPDATE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();"
    )
    yield f"COMMENT ON TABLE {table} IS 'Table {shape.number} of the {shape.service} service''s';"
    if shape.guarded:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        yield (
            f"CREATE POLICY {shape.name}_of_owner ON {table}"
            " USING (owner_id = current_setting('app.current_owner', true));"
        )


def _inside_key(referenced: Shape, shape: Shape) -> str:
    kind = "uuid" if referenced.key in {"uuid", "ossp"} else "bigint"
    action = ("", " ON DELETE CASCADE", " ON DELETE SET NULL")[shape.number % 3]
    return (
        f"ALTER TABLE {shape.schema}.{shape.name} ADD COLUMN parent_id {kind}"
        f" REFERENCES {shape.schema}.{referenced.name} (id){action};"
        f" CREATE INDEX ON {shape.schema}.{shape.name} (parent_id);"
        f" UPDATE {shape.schema}.{shape.name} SET parent_id ="
        f" (SELECT id FROM {shape.schema}.{referenced.name} ORDER BY reference LIMIT 1);"
    )


def _partitioned(schema: str) -> Iterator[str]:
    yield (
        f"CREATE TABLE {schema}.activity (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL,"
        " kind varchar(10) NOT NULL CHECK (kind IN ('READ', 'WRITE')), PRIMARY KEY (id, at))"
        " PARTITION BY RANGE (at);"
    )
    for year in (2025, 2026):
        yield (
            f"CREATE TABLE {schema}.activity_{year} PARTITION OF {schema}.activity"
            f" FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01');"
        )
    yield (
        f"INSERT INTO {schema}.activity (at, kind)"
        " SELECT '2025-06-01'::timestamptz + i * interval '30 days', (ARRAY['READ', 'WRITE'])[1 + i % 2]"
        f" FROM generate_series(1, {ROWS}) i;"
    )


def _code(service: str) -> Iterator[str]:
    schema = f"{service}_schema"
    first, second, third = (shape.name for shape in shapes(service)[:3])
    yield (
        f"CREATE VIEW {schema}.open_{first} AS SELECT id, reference, public.mask_email(email) AS email"
        f" FROM {schema}.{first} WHERE status IN ('ACTIVE', 'PENDING') AND score BETWEEN 1 AND 99;"
    )
    yield (
        f"CREATE MATERIALIZED VIEW {schema}.{second}_summary AS SELECT status, count(*) AS many,"
        f" sum(amount) AS total FROM {schema}.{second} GROUP BY status;"
        f" CREATE UNIQUE INDEX ON {schema}.{second}_summary (status);"
    )
    if service in {"analytics", "payment"}:
        yield (
            f"CREATE FUNCTION {schema}.refresh_summaries() RETURNS void LANGUAGE plpgsql AS $$"
            f" BEGIN REFRESH MATERIALIZED VIEW {schema}.{second}_summary; END $$;"
        )
    yield (
        f"CREATE FUNCTION {schema}.close_{third}(which varchar) RETURNS integer LANGUAGE plpgsql AS $$"
        f" DECLARE changed integer; BEGIN UPDATE {schema}.{third} SET status = 'CLOSED', notes = 'closed'"
        " WHERE reference = which; GET DIAGNOSTICS changed = ROW_COUNT; RETURN changed; END $$;"
    )


def _crossing() -> Iterator[str]:
    for service, other in CROSSING.items():
        second, first = shapes(service)[1], shapes(other)[0]
        yield (
            f"ALTER TABLE {second.schema}.{second.name} ADD COLUMN {other}_id uuid"
            f" REFERENCES {first.schema}.{first.name} (id);"
            f" UPDATE {second.schema}.{second.name} SET {other}_id ="
            f" (SELECT id FROM {first.schema}.{first.name} ORDER BY reference LIMIT 1);"
        )
    yield (
        "CREATE VIEW analytics_schema.customer_wallets AS"
        " SELECT u.reference AS customer, w.reference, w.amount"
        " FROM user_schema.users u JOIN wallet_schema.wallets w ON w.owner_id = u.owner_id;"
    )
    yield (
        "CREATE FUNCTION compliance_schema.paid_by(who varchar) RETURNS numeric LANGUAGE sql STABLE AS"
        " $$ SELECT coalesce(sum(amount), 0) FROM payment_schema.payments WHERE owner_id = who $$;"
    )


def workload(service: str) -> list[str]:
    """What the service's applications send: reads, writes, what is refused, what is computed."""
    made = []
    for shape in shapes(service):
        name = shape.name
        made += [
            f"SELECT count(*), sum(amount), max(details ->> 'name') FROM {name}",
            f"SELECT reference, status, priority, currency, tags FROM {name}"
            " WHERE lower(email) = lower('É3@example.COM') ORDER BY reference",
        ]
        more = (
            f"SELECT reference FROM {name} WHERE email ILIKE 'é1%' ORDER BY reference",
            f"INSERT INTO {name} (reference, status) VALUES ('{name}-x', 'UNKNOWN')",
            f"INSERT INTO {name} (reference, amount, score) VALUES ('{name}-y', 13, 5)",
            f"INSERT INTO {name} (reference, score) VALUES ('{name}-z', 99) RETURNING status, amount, active",
            f"UPDATE {name} SET score = 7, notes = upper('straße é') WHERE reference = '{name}-2'"
            " RETURNING reference, notes, updated_at >= created_at",
            f"DELETE FROM {name} WHERE reference = '{name}-5' RETURNING reference",
            f"INSERT INTO {name} (reference) VALUES ('{name}-1') RETURNING reference",
        )
        made += more if shape.guarded or shape.number == 0 else more[shape.number % 3 :: 3]
    first, second, third = (shape.name for shape in shapes(service)[:3])
    made += [
        f"SELECT count(*), max(email) FROM open_{first}",
        f"SELECT * FROM {second}_summary ORDER BY status",
        f"SELECT close_{third}('{third}-3')",
        "SELECT kind, count(*) FROM activity GROUP BY kind ORDER BY kind",
        "INSERT INTO activity (at, kind) VALUES ('2026-03-03', 'READ') RETURNING kind",
        "INSERT INTO activity (at, kind) VALUES ('2019-03-03', 'READ')",
        "SELECT lower('ÀÉ'), upper('ß'), initcap('émile zola'), 'É' ~ '\\w', 'é' ILIKE 'É'",
        "SELECT mask_email('someone@example.com')",
        "SELECT encode(digest('x', 'sha256'), 'hex')",
        f"LOCK TABLE {first} IN SHARE MODE",
        f"SELECT reference FROM {first} ORDER BY reference FOR UPDATE LIMIT 2",
    ]
    if service in {"analytics", "payment"}:
        made.append("SELECT refresh_summaries()")
    if service == "analytics":
        made.append("SELECT * FROM customer_wallets ORDER BY customer, reference")
    if service == "compliance":
        made.append("SELECT paid_by('owner-1')")
    return made
