-- How the data is made up: every figure is a function of a row's number, so that tables which
-- belong together are made apart, in parallel, and still agree. Dropped when the data is there.
-- demo_build.users() and demo_build.payments(), how many there are, are made before this file runs.

CREATE FUNCTION demo_build.mix(i bigint, salt bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT hashint8extended(i, salt) & 9223372036854775807 $$;
CREATE FUNCTION demo_build.key(kind text, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT md5(kind || i)::uuid $$;

CREATE FUNCTION demo_build.payer(i bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT 1 + demo_build.mix(i, 1) % demo_build.users() $$;
CREATE FUNCTION demo_build.payee(i bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT 1 + (demo_build.payer(i) + demo_build.mix(i, 2) % (demo_build.users() - 1)) % demo_build.users() $$;
CREATE FUNCTION demo_build.amount(i bigint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (100 + demo_build.mix(i, 3) % 4900) * 0.01 $$;
CREATE FUNCTION demo_build.funding(wallet bigint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT 10000 + demo_build.mix(wallet, 4) % 5000 $$;
-- Of a hundred payments, 92 were settled, 3 of them refunded later, 5 failed or were cancelled.
CREATE FUNCTION demo_build.dice(i bigint) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (demo_build.mix(i, 5) % 100)::integer $$;
CREATE FUNCTION demo_build.was_paid(i bigint) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT demo_build.dice(i) < 95 $$;
CREATE FUNCTION demo_build.was_refunded(i bigint) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT demo_build.dice(i) BETWEEN 92 AND 94 $$;
-- Payments are spread evenly over the 150 days before the database was made.
CREATE FUNCTION demo_build.at(i bigint) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT now() - (demo_build.payments() - i) * (interval '150 days' / demo_build.payments()) $$;
