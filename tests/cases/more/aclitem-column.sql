-- aclitem column
-- @source 15
-- @target 17
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, c aclitem[]);
INSERT INTO user_schema.t VALUES (1, '{}'), (2, NULL);
