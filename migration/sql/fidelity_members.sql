-- Objects that belong to an extension, which brings them by itself.
SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
