-- Objects that belong to an extension, which brings them by itself, and the parts of these: the checks of a domain, the
-- keys and indexes of a table.
WITH RECURSIVE members (classid, objid) AS (
    SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    UNION
    SELECT d.classid, d.objid
    FROM members m JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid = m.objid AND d.deptype IN ('a', 'i')
    WHERE m.classid IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass)
)
SELECT classid, objid FROM members
