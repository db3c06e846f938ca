-- text search own
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TEXT SEARCH DICTIONARY plain_dict (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false); CREATE TEXT SEARCH DICTIONARY stem_dict (TEMPLATE = snowball, LANGUAGE = german); CREATE TEXT SEARCH CONFIGURATION own (COPY = english); ALTER TEXT SEARCH CONFIGURATION own ALTER MAPPING FOR asciiword, word WITH plain_dict, stem_dict; ALTER TEXT SEARCH CONFIGURATION own DROP MAPPING FOR email;
CREATE TABLE t (id int PRIMARY KEY, b text, cfg regconfig DEFAULT 'own', v tsvector GENERATED ALWAYS AS (to_tsvector('user_schema.own', b)) STORED, w tsvector); CREATE TRIGGER tsv BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(w, 'user_schema.own', b); CREATE INDEX ON t USING gin (to_tsvector('user_schema.own', b));
INSERT INTO t (id, b) VALUES (1, 'Häuser laufen the quick'), (2, 'b@c.de Bäume');
-- @after
INSERT INTO t (id, b) VALUES (3, 'Katzen')
