-- many columns
-- @source 15
-- @target 17
-- @setup
SELECT format('CREATE TABLE user_schema.wide (id int PRIMARY KEY, %s)', string_agg('c' || i || CASE i % 3 WHEN 0 THEN ' text' WHEN 1 THEN ' int' ELSE ' numeric' END, ', ')) FROM generate_series(1, 1500) i;
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE user_schema.wide (id int PRIMARY KEY, %s)', string_agg('c' || i || ' smallint', ', ')) FROM generate_series(1, 1590) i); EXECUTE (SELECT format('CREATE TABLE user_schema.wide_nokey (%s)', string_agg('c' || i || ' smallint', ', ')) FROM generate_series(1, 900) i); END $$;
INSERT INTO user_schema.wide (id, c1, c1590) VALUES (1, 1, 2), (2, 3, 4); INSERT INTO user_schema.wide_nokey (c1, c900) VALUES (1, 2), (3, 4);
-- @during
UPDATE user_schema.wide SET c7 = 7 WHERE id = 2; UPDATE user_schema.wide_nokey SET c8 = 7 WHERE c1 = 3;
-- @after
UPDATE wide SET c9 = 8 WHERE id = 1; UPDATE wide_nokey SET c9 = 7 WHERE c1 = 1
