-- sessions of the applications in replica mode fire no trigger and check no foreign key, and may not on their own database
-- @setup
CREATE TABLE user_schema.t (id int PRIMARY KEY, v text); INSERT INTO user_schema.t VALUES (1, 'a');
ALTER ROLE $APP SET session_replication_role = replica;
ALTER ROLE $APP IN DATABASE $DB SET session_replication_role = 'replica';
-- @refused begin with session_replication_role = replica
-- @remedy
ALTER ROLE $APP IN DATABASE $DB RESET session_replication_role
-- @remedy
ALTER ROLE $APP RESET session_replication_role
-- @writer
UPDATE t SET v = '$N' WHERE id = 1
