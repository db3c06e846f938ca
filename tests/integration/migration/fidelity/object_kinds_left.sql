-- Kinds of object that do not move, or not wholly: each with what the plan says of it. "user_schema" is first on
-- the search_path; each runs as a superuser.

-- kind: operator classes -> only a superuser can create operator classes
CREATE OPERATOR CLASS ints FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 btint4cmp(int, int);
CREATE TABLE t (a int); CREATE INDEX ON t (a ints);

-- kind: operator families -> only a superuser can create operator families
CREATE OPERATOR FAMILY fam USING hash;

-- kind: text search parsers -> only a superuser can create text search parsers
CREATE TEXT SEARCH PARSER p (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);

-- kind: text search templates -> only a superuser can create text search templates
CREATE TEXT SEARCH TEMPLATE tmpl (LEXIZE = dsimple_lexize);

-- kind: base types -> only a superuser can create base types
CREATE TYPE raw; CREATE FUNCTION raw_in(cstring) RETURNS raw LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION raw_out(raw) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE raw (INPUT = raw_in, OUTPUT = raw_out); CREATE TABLE t (a raw);

-- kind: types that were never defined -> only a superuser can create base types
CREATE TYPE undone;

-- kind: functions in C or internal -> its language internal is not trusted
CREATE FUNCTION f(int) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'int4abs';

-- kind: leakproof functions -> only a superuser can mark a function LEAKPROOF
CREATE FUNCTION f() RETURNS int LANGUAGE sql LEAKPROOF AS 'SELECT 1';

-- kind: functions with a setting of superusers -> only a superuser can set log_statement for a function
CREATE FUNCTION f() RETURNS int LANGUAGE sql SET log_statement = 'none' AS 'SELECT 1';

-- kind: functions with a setting of nobody's -> only a superuser can set shop.tenant for a function
CREATE FUNCTION f() RETURNS int LANGUAGE sql SET shop.tenant = 'none' AS 'SELECT 1';

-- kind: functions with PL/pgSQL's own setting of superusers -> only a superuser can set plpgsql.variable_conflict for a
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql SET plpgsql.variable_conflict = error AS 'BEGIN RETURN 1; END';

-- kind: functions with planner support -> only a superuser can give a function a SUPPORT function
CREATE FUNCTION f(int, int) RETURNS SETOF int LANGUAGE sql SUPPORT generate_series_int4_support AS 'SELECT $1';

-- kind: aggregates with an internal state -> aggregates whose state is of type internal
CREATE AGGREGATE mean(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg);

-- kind: casts without a function -> only a superuser can create casts WITHOUT FUNCTION
CREATE TYPE pair AS RANGE (subtype = int8); CREATE TYPE pair2 AS RANGE (subtype = int8);
CREATE CAST (pair AS pair2) WITHOUT FUNCTION;

-- kind: casts between types of the server -> neither of its types is anybody's own
CREATE FUNCTION odd(int) RETURNS point LANGUAGE sql AS 'SELECT point($1, $1)'; CREATE CAST (int AS point) WITH FUNCTION odd(int);

-- kind: access methods -> only a superuser can create access methods
CREATE ACCESS METHOD heap_of_ours TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE t (a int) USING heap_of_ours;

-- kind: languages of no extension -> only a superuser can create languages
CREATE TRUSTED LANGUAGE ours HANDLER plpgsql_call_handler; CREATE FUNCTION f() RETURNS int LANGUAGE ours AS 'BEGIN RETURN 1; END';

-- kind: foreign tables, servers, user mappings -> foreign server
CREATE EXTENSION file_fdw SCHEMA public; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE t (a text) SERVER files OPTIONS (filename '/nowhere');

-- kind: foreign-data wrappers -> only a superuser can create foreign-data wrappers
CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER s FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE t (a int) SERVER s;

-- kind: event triggers -> only a superuser can create event triggers
CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE EVENT TRIGGER watching ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION f();

-- kind: publications -> publication ours
CREATE TABLE t (a int PRIMARY KEY); CREATE PUBLICATION ours FOR TABLE t;

-- kind: subscriptions -> subscription
CREATE TABLE t (a int PRIMARY KEY);
CREATE SUBSCRIPTION ours CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);

-- kind: default privileges -> default privileges for tables
ALTER DEFAULT PRIVILEGES IN SCHEMA user_schema GRANT SELECT ON TABLES TO PUBLIC;

-- kind: triggers that fire on replicated rows -> fires on replicated rows too
CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER always BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE t ENABLE ALWAYS TRIGGER always;

-- kind: unlogged tables -> is unlogged
CREATE UNLOGGED TABLE t (a int);

-- kind: partitions by the hash of an enum -> t is partitioned by the hash of an enum
CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (a int, e e) PARTITION BY HASH (a, e);
CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0);

-- kind: security labels -> security label
CREATE TABLE t (a int); SET allow_system_table_mods = on;
INSERT INTO pg_seclabel VALUES ('user_schema.t'::regclass, 'pg_class'::regclass, 0, 'selinux', 'secret');

-- kind: a view that PostgreSQL prints and cannot read -> view user_schema.v cannot be made again from what PostgreSQL prints
CREATE TABLE t (id int, up int);
CREATE VIEW v AS WITH RECURSIVE g AS (SELECT id, up FROM t UNION ALL SELECT t.id, t.up FROM t JOIN g ON t.up = g.id)
    CYCLE id SET x TO _int4 '{1}' DEFAULT _int4 '{0}' USING p SELECT id, x FROM g;

-- kind: a body with several parameters without names beside named ones -> several parameters without a name, which it prints alike
CREATE FUNCTION f(a int, int, int) RETURNS int LANGUAGE sql RETURN a + $2 - $3;

-- kind: partitions by the hash of what holds an enum -> table user_schema.composite is partitioned by the hash of an enum
CREATE TYPE e AS ENUM ('a', 'b'); CREATE TYPE c AS (n int, e e[]); CREATE TABLE composite (c c) PARTITION BY HASH (c);

-- kind: partitions by the hash of an array of enums -> table user_schema.several is partitioned by the hash of an enum
CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE several (n int, es e[]) PARTITION BY HASH (n, es);

-- kind: partitions by the hash of a range of enums -> table user_schema.spans is partitioned by the hash of an enum
CREATE TYPE e AS ENUM ('a', 'b'); CREATE TYPE r AS RANGE (subtype = e); CREATE DOMAIN d AS r;
CREATE TABLE spans (s d) PARTITION BY HASH (s);

-- kind: partitions by the hash of an expression that holds an enum -> table user_schema.made is partitioned by the hash of an enum
CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE made (e e) PARTITION BY HASH ((ARRAY[e]));

-- kind: transforms -> transform for user_schema.e language sql cannot be made
CREATE TYPE e AS ENUM ('a'); CREATE TRANSFORM FOR e LANGUAGE sql (FROM SQL WITH FUNCTION pg_catalog.prsd_lextype(internal));

-- kind: user mappings and servers alone -> foreign server alone
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER alone FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR CURRENT_USER SERVER alone OPTIONS (password 'x');

-- kind: keys that are disabled -> the disabling of foreign key t_p_fkey of user_schema.t (DISABLE TRIGGER ALL) in user_schema does not move
CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (p int REFERENCES p); ALTER TABLE t DISABLE TRIGGER ALL;

-- kind: indexes that are not valid -> index user_schema.i, which is invalid, in user_schema does not move
CREATE TABLE t (a int); CREATE INDEX i ON t (a); SET allow_system_table_mods = on;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass;

-- kind: comments of large objects -> comments of large objects (1) does not move
DO $$ BEGIN EXECUTE format('COMMENT ON LARGE OBJECT %s IS ''picture''', lo_create(0)); END $$;

-- kind: a comment of the database -> the comment of the database (1) does not move
DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''all of us''', current_database()); END $$;

-- kind: rows of an extension's tables -> what was added to table user_schema.t of extension citext does not move
CREATE EXTENSION citext SCHEMA public; CREATE TABLE t (a int); INSERT INTO t VALUES (1); ALTER EXTENSION citext ADD TABLE t;

-- kind: settings of a role in the database -> work_mem set for role
DO $$ BEGIN EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET work_mem = ''5MB''', current_database()); END $$;

-- kind: settings of the database -> work_mem set for the whole database
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database()); END $$;

-- kind: partitions that are being detached -> the pending detachment of partition user_schema.t1 (`ALTER TABLE user_schema.t DETACH
CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); SET allow_system_table_mods = on;
UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 't1'::regclass;
