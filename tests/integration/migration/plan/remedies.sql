-- What crosses, small: the plan's remedy for each is followed as printed (test_remedies.py). `-- case:` begins one;
-- users and payments are in the shared database already. Names are each case's own, so that all fit into one database.

-- case: a foreign key
CREATE TABLE pay_schema.a1 (id int PRIMARY KEY, who int REFERENCES user_schema.users);

-- case: a foreign key of a partitioned table
CREATE TABLE pay_schema.a2 (id int PRIMARY KEY, who int REFERENCES user_schema.users) PARTITION BY RANGE (id);
CREATE TABLE pay_schema.a2_1 PARTITION OF pay_schema.a2 FOR VALUES FROM (0) TO (9);

-- case: views, one on another, one materialized
CREATE VIEW pay_schema.b1 AS SELECT id, name FROM user_schema.users; CREATE VIEW pay_schema.b1_over AS SELECT id FROM pay_schema.b1;
CREATE MATERIALIZED VIEW pay_schema.b1_kept AS SELECT count(*) AS n FROM user_schema.users; CREATE INDEX ON pay_schema.b1_kept (n);

-- case: functions and procedures, with texts and with parsed bodies
CREATE FUNCTION pay_schema.c1(int) RETURNS text LANGUAGE sql AS 'SELECT name FROM user_schema.users WHERE id = $1';
CREATE FUNCTION pay_schema.c1_atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM user_schema.users; END;
CREATE PROCEDURE pay_schema.c1_do() LANGUAGE plpgsql AS 'BEGIN UPDATE user_schema.users SET name = NULL; END';

-- case: what runs a text that nobody knows
CREATE FUNCTION pay_schema.c2(what text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE what; EXECUTE what; END';

-- case: a trigger, a default, a check, an index over another service's functions
CREATE FUNCTION user_schema.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION user_schema.g(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE TABLE pay_schema.d1 (id int PRIMARY KEY DEFAULT user_schema.g(1), CHECK (user_schema.g(id) > 0));
CREATE INDEX d1_by_g ON pay_schema.d1 (user_schema.g(id));
CREATE TRIGGER tr BEFORE INSERT ON pay_schema.d1 FOR EACH ROW EXECUTE FUNCTION user_schema.f();

-- case: a generated column over another service's function
CREATE FUNCTION user_schema.g2(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 2';
CREATE TABLE pay_schema.d2 (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (user_schema.g2(id)) STORED);

-- case: a default from another service's sequence
CREATE SEQUENCE user_schema.s; CREATE TABLE pay_schema.d3 (id bigint PRIMARY KEY DEFAULT nextval('user_schema.s'));

-- case: a policy and a rule that reach another service's table
CREATE TABLE pay_schema.d4 (id int PRIMARY KEY); CREATE POLICY few ON pay_schema.d4 USING (id IN (SELECT id FROM user_schema.users));
CREATE RULE told AS ON INSERT TO pay_schema.d4 DO ALSO UPDATE user_schema.users SET name = 'told';

-- case: columns of another service's enum, domain, composite type, and their arrays
CREATE TYPE user_schema.mood AS ENUM ('sad', 'ok'); CREATE DOMAIN user_schema.positive AS int CHECK (VALUE > 0);
CREATE TYPE user_schema.pair AS (a user_schema.mood, b int);
CREATE TABLE pay_schema.e1 (id int PRIMARY KEY, m user_schema.mood, ms user_schema.mood[], d user_schema.positive, c user_schema.pair);

-- case: a domain, a composite type and a view over another service's types
CREATE TYPE user_schema.colour AS ENUM ('red'); CREATE DOMAIN pay_schema.e2_domain AS user_schema.colour;
CREATE TYPE pay_schema.e2 AS (x user_schema.colour, many user_schema.colour[]); CREATE VIEW pay_schema.e2_view AS SELECT 'red'::user_schema.colour AS c;

-- case: a range over another service's domain, its multirange in use
CREATE DOMAIN user_schema.amount AS numeric CHECK (VALUE >= 0);
CREATE TYPE pay_schema.e3 AS RANGE (subtype = user_schema.amount, multirange_type_name = pay_schema.e3_many);
CREATE TABLE pay_schema.e3_used (id int PRIMARY KEY, r pay_schema.e3, m pay_schema.e3_many, rs pay_schema.e3[]);
CREATE FUNCTION pay_schema.e3_of(pay_schema.e3_many) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT isempty($1)';

-- case: arguments and results of another service's types and rows
CREATE FUNCTION pay_schema.e4(user_schema.users) RETURNS int LANGUAGE sql AS 'SELECT $1.id';
CREATE FUNCTION pay_schema.e4_all() RETURNS SETOF user_schema.users LANGUAGE plpgsql AS 'BEGIN RETURN; END';

-- case: a column of another service's row type
CREATE TABLE pay_schema.e5 (id int PRIMARY KEY, "order" user_schema.users, many user_schema.users[]);

-- case: aggregates, operators and casts over another service's functions
CREATE FUNCTION user_schema.add(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE AGGREGATE pay_schema.h1(int) (SFUNC = user_schema.add, STYPE = int); CREATE FUNCTION user_schema.g3(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE AGGREGATE pay_schema.h1_all(*) (SFUNC = user_schema.g3, STYPE = int, INITCOND = 0);
CREATE OPERATOR pay_schema.+& (LEFTARG = int, RIGHTARG = int, FUNCTION = user_schema.add);
CREATE TYPE pay_schema.h1_type AS ENUM ('a'); CREATE FUNCTION user_schema.to_int(pay_schema.h1_type) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (pay_schema.h1_type AS int) WITH FUNCTION user_schema.to_int(pay_schema.h1_type);

-- case: statistics and an exclusion constraint over another service's functions and operators
CREATE FUNCTION user_schema.g4(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; CREATE TABLE pay_schema.h2 (id int PRIMARY KEY, n int);
CREATE STATISTICS pay_schema.h2_st ON (user_schema.g4(n)), id FROM pay_schema.h2;
ALTER TABLE pay_schema.h2 ADD EXCLUDE USING btree ((user_schema.g4(n)) WITH =);

-- case: a collation, a text search configuration of another service's
CREATE COLLATION user_schema.co (PROVIDER = libc, LOCALE = 'C'); CREATE TABLE pay_schema.h3 (id int PRIMARY KEY, t text COLLATE user_schema.co);
CREATE TEXT SEARCH DICTIONARY user_schema.words (TEMPLATE = simple); CREATE TEXT SEARCH CONFIGURATION pay_schema.h3_config (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION pay_schema.h3_config ALTER MAPPING FOR asciiword WITH user_schema.words;

-- case: a child of another service's table
CREATE TABLE pay_schema.i1 (extra int) INHERITS (user_schema.users);

-- case: a partition of another service's table, with keys, indexes, triggers
CREATE TABLE user_schema.events (id int PRIMARY KEY, who int REFERENCES user_schema.users, n int CHECK (n > 0)) PARTITION BY RANGE (id);
CREATE INDEX ON user_schema.events (n); CREATE UNIQUE INDEX ON user_schema.events (id, n);
CREATE FUNCTION user_schema.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr AFTER INSERT ON user_schema.events FOR EACH ROW EXECUTE FUNCTION user_schema.tr();
CREATE TABLE pay_schema.i2 PARTITION OF user_schema.events FOR VALUES FROM (0) TO (10);

-- case: tables, sequences and code of nobody's schema
CREATE TABLE public.k1 (id int PRIMARY KEY); CREATE TABLE pay_schema.k1 (id int PRIMARY KEY, k int REFERENCES public.k1);
CREATE SEQUENCE public.k1_s; CREATE TABLE pay_schema.k1_d (id bigint PRIMARY KEY DEFAULT nextval('public.k1_s'));
CREATE FUNCTION public.k1_reads() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM user_schema.users';
CREATE VIEW pay_schema.k1_view AS SELECT public.k1_reads() AS n;

-- case: views, keys and functions of nobody's schema that reach into a service
CREATE SCHEMA other; CREATE VIEW other.l1 AS SELECT id FROM user_schema.users; CREATE TABLE other.l1_key (id int PRIMARY KEY, who int REFERENCES user_schema.users);
CREATE FUNCTION other.l1_f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM pay_schema.payments';

-- case: a child of a service's table in nobody's schema
CREATE SCHEMA past; CREATE TABLE past.l2 () INHERITS (pay_schema.payments);

-- case: a publication with a service's tables
CREATE PUBLICATION feed FOR TABLE pay_schema.payments;

-- case: names with quotes, colons, braces, stars
CREATE TABLE pay_schema."it's: {odd}, *[?] #1" (id int PRIMARY KEY, "who's -> ""x""" int CONSTRAINT "fk: 'q' *" REFERENCES user_schema.users);
CREATE VIEW pay_schema." - v: " AS SELECT id FROM user_schema.users;

-- case: a generated column over a function that a rule drops
CREATE FUNCTION pay_schema.m1(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM 1 FROM user_schema.users; RETURN $1; END';
CREATE TABLE pay_schema.m1_used (id int PRIMARY KEY, n int GENERATED ALWAYS AS (pay_schema.m1(id)) STORED, CHECK (pay_schema.m1(id) > 0), d int DEFAULT pay_schema.m1(3));
CREATE UNIQUE INDEX m1_by ON pay_schema.m1_used (pay_schema.m1(id)); CREATE VIEW pay_schema.m1_view AS SELECT pay_schema.m1(id) FROM pay_schema.m1_used;

-- case: what only a superuser makes
CREATE FUNCTION pay_schema.n1(int, int) RETURNS int LANGUAGE internal IMMUTABLE STRICT AS 'int4pl';
CREATE FUNCTION pay_schema.n1_tight(int) RETURNS int LANGUAGE sql IMMUTABLE LEAKPROOF AS 'SELECT 1';
CREATE OPERATOR CLASS pay_schema.n1_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
CREATE TEXT SEARCH TEMPLATE pay_schema.n1_template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER pay_schema.n1_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE DOMAIN pay_schema.n1_kind AS int; CREATE TYPE pay_schema.n1_pair AS (a int); CREATE TYPE pay_schema.n1_other AS (a int); CREATE CAST (pay_schema.n1_pair AS pay_schema.n1_other) WITH INOUT;

-- case: a domain whose check asks the clock
CREATE DOMAIN pay_schema.o1 AS timestamptz CONSTRAINT "not after now" CHECK (VALUE <= now()); CREATE TABLE pay_schema.o1_used (id int PRIMARY KEY, at pay_schema.o1);

-- case: a generated column and a unique index whose functions ask the clock, and say that they are immutable
CREATE FUNCTION pay_schema.o1_age(since date) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT current_date - since';
CREATE TABLE pay_schema.o1_aged (id int PRIMARY KEY, since date, age int GENERATED ALWAYS AS (pay_schema.o1_age(since)) STORED);
CREATE UNIQUE INDEX o1_one_young ON pay_schema.o1_aged (id) WHERE pay_schema.o1_age(since) < 30; INSERT INTO pay_schema.o1_aged VALUES (1, '2020-01-01');

-- case: an index over a function that names a table without its schema
CREATE TABLE pay_schema.o2 (id int PRIMARY KEY); SET search_path = pay_schema, public;
CREATE FUNCTION pay_schema.o2_rate(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT count(*) FROM o2) + $1; END';
CREATE INDEX o2_by_rate ON pay_schema.o2 (pay_schema.o2_rate(id)); SET search_path = "$user", public;

-- case: a table without a key, with a column that cannot be compared
CREATE TABLE pay_schema.o3 (doc json, at point);

-- case: values that name what does not go along
CREATE TABLE pay_schema.o4 (id int PRIMARY KEY, what regclass, how regprocedure); INSERT INTO pay_schema.o4 VALUES (1, 'user_schema.users', 'now()');
