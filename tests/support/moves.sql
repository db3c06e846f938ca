CREATE SCHEMA user_schema;
CREATE SCHEMA payment_schema;
GRANT USAGE ON SCHEMA user_schema, payment_schema TO shared_application;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shared_application;
ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO shared_application;

CREATE FUNCTION public.cents(amount numeric) RETURNS bigint
    LANGUAGE sql IMMUTABLE RETURN (amount * 100)::bigint;

CREATE TABLE user_schema.users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    profile jsonb,
    picture oid,
    made timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE user_schema.sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id bigint NOT NULL REFERENCES user_schema.users,
    token bytea
);
CREATE TABLE user_schema."Odd Name" (value text);
CREATE INDEX users_made ON user_schema.users (made);
CREATE VIEW user_schema.recent AS SELECT id, email FROM user_schema.users ORDER BY made DESC LIMIT 10;

CREATE TYPE payment_schema.status AS ENUM ('new', 'paid', 'refunded');
CREATE TABLE payment_schema.payments (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL,
    amount numeric(12, 2) NOT NULL CHECK (amount > 0),
    cents bigint GENERATED ALWAYS AS ((amount * 100)::bigint) STORED,
    status payment_schema.status NOT NULL DEFAULT 'new',
    CONSTRAINT payments_user_id_fkey FOREIGN KEY (user_id) REFERENCES user_schema.users
);
CREATE MATERIALIZED VIEW payment_schema.totals AS
    SELECT user_id, sum(amount) AS total FROM payment_schema.payments GROUP BY user_id;

CREATE PROCEDURE public.fill(users integer) LANGUAGE sql AS $$
    INSERT INTO user_schema.users (email, profile, picture)
    SELECT 'user' || i || '@example.org', jsonb_build_object('number', i, 'text', repeat('x', i % 300)),
           CASE WHEN i <= 3 THEN lo_from_bytea(0, decode(repeat('ab', i * 1000), 'hex')) END
    FROM generate_series(1, users) AS i;
    INSERT INTO user_schema.sessions (user_id, token)
    SELECT id, decode(md5(id::text), 'hex') FROM user_schema.users;
    INSERT INTO user_schema."Odd Name" VALUES (NULL), (''), (E'tab\tand\nline');
    INSERT INTO payment_schema.payments (user_id, amount)
    SELECT id, (id % 97) + 0.5 FROM user_schema.users;
$$;
