-- What is noted as made for a service and still exists, last made first; each as DROP names it. Of a routine's
-- arguments only those count that go in, and each says so: an OUT beside them makes no other name, and without IN a
-- procedure's list could be meant to have its OUT arguments, too. So named, an aggregate needs no `(*)` nor ORDER BY.
SELECT m.classid, m.objid, i.type,
       CASE m.classid
           WHEN 'pg_proc'::regclass THEN (
               SELECT format('%%I.%%I(%%s)', n.nspname, p.proname, (
                   SELECT string_agg('IN ' || format_type(a.type, NULL), ', ' ORDER BY a.number)
                   FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, number)))
               FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = m.objid)
           WHEN 'pg_transform'::regclass THEN (
               SELECT format('FOR %%s LANGUAGE %%I', format_type(t.trftype, NULL), l.lanname)
               FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid = m.objid)
           ELSE i.identity
       END
FROM waqiti_migration.schema_objects m
CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) i
WHERE m.service = ANY(%(services)s) AND i.identity IS NOT NULL
ORDER BY m.classid = 'pg_namespace'::regclass, m.classid = 'pg_extension'::regclass, m.objid DESC
