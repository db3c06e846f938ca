-- The rows of these keys, whole, each with its key as text.
SELECT {key_values}, pg_catalog.to_jsonb(held) FROM {keyed}
