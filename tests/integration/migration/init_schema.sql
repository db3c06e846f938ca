-- A shared database of two services, with one of each kind that crosses, for `init`.
CREATE EXTENSION citext;
CREATE SCHEMA elsewhere;
CREATE EXTENSION ltree SCHEMA elsewhere;
GRANT USAGE ON SCHEMA elsewhere TO init_application;
GRANT CREATE ON SCHEMA public TO init_application;
CREATE SCHEMA user_schema AUTHORIZATION init_application;
CREATE SCHEMA pay_schema AUTHORIZATION init_application;
SET ROLE init_application;

CREATE TYPE user_schema.level AS ENUM ('low', 'high');
CREATE SEQUENCE user_schema.numbers;
CREATE TABLE user_schema.users (
    id bigint PRIMARY KEY, mail public.citext, level user_schema.level, name text, manager bigint
);
CREATE TABLE user_schema.labels (id bigint PRIMARY KEY, path elsewhere.ltree);
CREATE TABLE user_schema.secrets (id bigint PRIMARY KEY, owner text);
ALTER TABLE user_schema.secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON user_schema.secrets USING (owner = current_setting('app.owner', true));
CREATE FUNCTION user_schema.tidy(name text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(trim(name))';

CREATE TABLE public.countries (code text PRIMARY KEY);
CREATE TABLE pay_schema.payments (
    id bigint PRIMARY KEY,
    payer bigint REFERENCES user_schema.users ON DELETE CASCADE,
    risk user_schema.level,
    country text REFERENCES public.countries,
    number bigint DEFAULT nextval('user_schema.numbers')
);
CREATE INDEX ON pay_schema.payments (user_schema.tidy(country));
CREATE VIEW pay_schema.payers AS
    SELECT p.id, u.name FROM pay_schema.payments p JOIN user_schema.users u ON u.id = p.payer;
CREATE FUNCTION pay_schema.name_of(bigint) RETURNS text LANGUAGE plpgsql STABLE
    AS 'BEGIN RETURN (SELECT name FROM user_schema.users WHERE id = $1); END';
CREATE FUNCTION pay_schema.report(what text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE what; END';
RESET ROLE;

CREATE SCHEMA user_backup;
CREATE TABLE user_backup.users AS TABLE user_schema.users;
CREATE PUBLICATION warehouse FOR TABLE pay_schema.payments;
GRANT SELECT ON ALL TABLES IN SCHEMA pay_schema TO pg_read_all_data;
