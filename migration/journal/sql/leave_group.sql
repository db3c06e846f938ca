-- Ends the record %(step)s of %(move)s that says which services it is switched together with, with %(outcome)s.
UPDATE waqiti_migration.steps
SET finished = clock_timestamp(), outcome = %(outcome)s
WHERE move = %(move)s AND step = %(step)s AND outcome IS NULL
