-- A table's rows of these keys, each once. The key's own operators find them, so that its index does, too.
-- Parameters: one array of texts for each key column.
(SELECT DISTINCT {typed} FROM unnest({arrays}) AS asked ({columns})) AS asked ({columns})
JOIN {table} AS held ON {same}
