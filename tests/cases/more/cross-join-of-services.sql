-- cross join of services
-- @source 15
-- @target 17
-- @services user,payment
-- @setup
CREATE TABLE user_schema.u (id int PRIMARY KEY, v text); CREATE TABLE payment_schema.p (id int PRIMARY KEY, amount numeric(12, 2), i interval); INSERT INTO user_schema.u SELECT i, 'x' FROM generate_series(1, 20) i; INSERT INTO payment_schema.p SELECT i, i * 1.1, '1 day' FROM generate_series(1, 20) i;
CREATE TYPE payment_schema.st AS ENUM ('new', 'paid'); ALTER TABLE payment_schema.p ADD s payment_schema.st DEFAULT 'new';
-- @during
UPDATE payment_schema.p SET s = 'paid' WHERE id < 5;
-- @after
UPDATE u SET v = 'y' WHERE id = 3
