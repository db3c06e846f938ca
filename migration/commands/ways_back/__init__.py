"""`rollback`: immediate, complete, quick."""
