-- a partition that is made where no event trigger sees it (none can be made without a superuser; here they are off): the next
-- verb makes it in the own database, and its rows go on to be applied
-- @setup
SET search_path = user_schema, public;
CREATE TABLE m (day date NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, v text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE m_2026 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); INSERT INTO m (day, v) VALUES ('2026-06-01', 'x');
-- @during
ALTER EVENT TRIGGER waqiti_migration_ddl DISABLE; ALTER EVENT TRIGGER waqiti_migration_drop DISABLE;
CREATE TABLE user_schema.m_2027 PARTITION OF user_schema.m FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE TABLE user_schema.fresh (id bigserial PRIMARY KEY, v text); INSERT INTO user_schema.fresh (v) VALUES ('new');
INSERT INTO user_schema.m (day, v) VALUES ('2027-05-05', 'into the new one'); INSERT INTO user_schema.m (day, v) VALUES ('2026-05-05', 'behind it')
-- @after
INSERT INTO m (day, v) VALUES ('2027-07-07', 'moved'); INSERT INTO fresh (v) VALUES ('newest')
