-- Objects of every kind that names another: a template, whose names tests/acceptance/test_odd_names.py fills in.
SET search_path = user_schema; SET standard_conforming_strings = on;
CREATE TYPE {enum} AS ENUM ({text}, 'other');
CREATE DOMAIN {domain} AS text CONSTRAINT {checked} CHECK (VALUE <> {text} || '%s');
CREATE TYPE {composite} AS ({field} int, {value} {enum});
CREATE SEQUENCE {sequence};
CREATE TABLE {parent} ({key} {domain} PRIMARY KEY, {odd} {enum} DEFAULT {text}, {value} {composite},
    CONSTRAINT {check} CHECK ({key} NOT LIKE '50\%'));
COMMENT ON COLUMN {parent}.{odd} IS {text};
CREATE TABLE {child} ({key} bigint DEFAULT nextval({sequence_text}), {of} {domain}, {note} text,
    CONSTRAINT {foreign} FOREIGN KEY ({of}) REFERENCES {parent} ({key}), PRIMARY KEY ({key}));
ALTER SEQUENCE {sequence} OWNED BY {child}.{key};
CREATE TABLE {keyless} ({note} text, {odd} {enum});
CREATE INDEX {index} ON {child} (({note} || {text}));
CREATE UNIQUE INDEX {unique} ON {parent} ({key}, {odd});
CREATE STATISTICS {statistics} ON {of}, {note} FROM {child};
CREATE FUNCTION {function}({argument} text) RETURNS text LANGUAGE sql IMMUTABLE RETURN {argument} || '%s {{}}';
CREATE FUNCTION user_schema.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER {trigger} BEFORE UPDATE OF {note} ON {child} FOR EACH ROW EXECUTE FUNCTION user_schema.touched();
CREATE VIEW {view} AS SELECT {key} AS {bounded}, {function}({note}) AS {note} FROM {child};
CREATE MATERIALIZED VIEW {matview} AS SELECT {key}, {odd} AS {note} FROM {parent};
INSERT INTO {parent} VALUES ('a%', DEFAULT, (1, {text})), ('{{}}', 'other', NULL), (E'\\n', DEFAULT, NULL);
INSERT INTO {child} ({of}, {note}) VALUES ('a%', {text}), ('{{}}', NULL), (E'\\n', '%s');
INSERT INTO {keyless} VALUES ({text}, {text}), (NULL, 'other');
REFRESH MATERIALIZED VIEW {matview};
CREATE FUNCTION user_schema.write(n int) RETURNS void LANGUAGE plpgsql AS $body$ BEGIN
    UPDATE user_schema.{child} SET {note} = n::text WHERE {of} = 'a%';
    UPDATE user_schema.{parent} SET {value} = ROW(n, {text})::user_schema.{composite} WHERE {key} = '{{}}';
    INSERT INTO user_schema.{child} ({of}, {note}) VALUES (E'\\n', 'n%');
    DELETE FROM user_schema.{child} WHERE {note} = 'n%' AND n % 2 = 0;
    UPDATE user_schema.{keyless} SET {note} = n::text WHERE {odd} = 'other';
END $body$;
