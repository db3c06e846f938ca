-- partition by function
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE FUNCTION bucket(t text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT length(t) % 3 $$;
CREATE TABLE p (id int, t text) PARTITION BY LIST (bucket(t)); CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p DEFAULT; INSERT INTO p SELECT i, repeat('x', i) FROM generate_series(1, 30) i;
-- @during
UPDATE user_schema.p SET t = t || 'y' WHERE id < 4
-- @after
UPDATE p SET t = t || 'zz' WHERE id < 9
