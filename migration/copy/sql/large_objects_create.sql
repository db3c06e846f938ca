-- Make large objects of these identifiers, empty.
SELECT lo_create(wanted) FROM unnest(%(oids)s::oid[]) AS wanted
