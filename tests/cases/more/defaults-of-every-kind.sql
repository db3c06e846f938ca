-- defaults of every kind
-- @pair 15 17
-- @pair 15 18
-- @setup
SET search_path = user_schema;
CREATE FUNCTION nextcode() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'c' || (SELECT count(*) FROM user_schema.t); END $$;
CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ADD a text DEFAULT nextcode(), ADD b timestamptz DEFAULT now(), ADD c date DEFAULT CURRENT_DATE + 3, ADD d text DEFAULT current_setting('TimeZone'), ADD e uuid DEFAULT gen_random_uuid(), ADD f name DEFAULT CURRENT_USER, ADD g int[] DEFAULT ARRAY[1, 2], ADD h interval DEFAULT '1 day'::interval * 3, ADD i text DEFAULT E'a\\b''c\n', ADD j json DEFAULT '{"a": 1}', ADD k numeric(10, 2) DEFAULT 1.005, ADD l bit(4) DEFAULT B'1010', ADD m text DEFAULT NULL, ADD n bigint DEFAULT (extract(epoch FROM now()) * 1000)::bigint, ADD o boolean DEFAULT (1 > 2), ADD p varchar(5) DEFAULT 'abc', ADD q char(3) DEFAULT 'x', ADD r timestamptz DEFAULT 'infinity', ADD s text DEFAULT ('x' || 'y') COLLATE "C", ADD u text DEFAULT CASE WHEN now() > '2020-01-01' THEN 'a' ELSE 'b' END;
INSERT INTO t (id) SELECT i FROM generate_series(1, 10) i;
ALTER TABLE t ADD fast int DEFAULT 42, ADD fastt text DEFAULT 'missing';
-- @after
INSERT INTO t (id) VALUES (100); UPDATE t SET fast = 1 WHERE id = 2
