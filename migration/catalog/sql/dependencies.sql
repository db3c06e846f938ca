-- What depends on what, between objects that did not come with the server. Columns of a dependent table
-- are kept apart (objsubid): they carry types and collations.
SELECT DISTINCT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.deptype::text
FROM pg_depend d
WHERE d.objid >= 16384
  AND d.refobjid >= 16384
  AND d.deptype IN ('n', 'a', 'i', 'x', 'P', 'S')
  AND d.refclassid <> 'pg_namespace'::regclass
  -- DEPENDS ON EXTENSION needs the extension; its members are known as such.
  AND (d.refclassid <> 'pg_extension'::regclass OR d.deptype = 'x')
  AND d.classid <> 'pg_largeobject'::regclass
