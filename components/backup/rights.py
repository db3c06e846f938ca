"""What the backup role may do beside reading and streaming: what Barman asks for, and no superuser."""

MEMBERSHIPS = ("pg_read_all_data", "pg_read_all_settings", "pg_read_all_stats", "pg_checkpoint")
"""Predefined roles."""

SYNCHRONOUS = "synchronous_standby_names"
"""What the role may set by ALTER SYSTEM where commits wait for the archive."""
RELOAD = "pg_reload_conf"

FUNCTIONS = ("pg_backup_start", "pg_backup_stop", "pg_create_restore_point", "pg_switch_wal")
"""Functions of pg_catalog that PUBLIC may not call."""
