-- big transactions
-- @source 15
-- @target 17
-- @setup
SET search_path = user_schema;
CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 1000) i;
-- @during
DO $$ BEGIN FOR i IN 1..300 LOOP BEGIN INSERT INTO user_schema.t VALUES (10000 + i, repeat('y', 100)); IF i % 3 = 0 THEN RAISE EXCEPTION 'x'; END IF; EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$;
INSERT INTO user_schema.t SELECT i, repeat('z', 50) FROM generate_series(20000, 120000) i; DELETE FROM user_schema.t WHERE id > 20000;
-- @after
INSERT INTO t SELECT i, repeat('z', 50) FROM generate_series(200000, 240000) i; UPDATE t SET v = 'q' WHERE id > 20000; DELETE FROM t WHERE id > 20010
