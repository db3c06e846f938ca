-- dimitri/pgcopydb#484, PR #1009: materialized view over ts_stat('SELECT ... FROM unqualified')
-- @source 15
-- @setup
ALTER DATABASE $DB SET search_path = user_schema, public;
SET search_path = user_schema, public;
CREATE TABLE documents (id int PRIMARY KEY, body text, words tsvector);
INSERT INTO documents SELECT i, 'word' || i || ' common', to_tsvector('simple', 'word' || i || ' common') FROM generate_series(1, 20) i;
CREATE MATERIALIZED VIEW word_stats AS SELECT * FROM ts_stat('SELECT words FROM documents');
CREATE UNIQUE INDEX ON word_stats (word);
-- @during
INSERT INTO user_schema.documents VALUES (100, 'more', to_tsvector('simple', 'more'));
REFRESH MATERIALIZED VIEW user_schema.word_stats;
