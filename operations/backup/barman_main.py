"""Barman's own program, started so that it can become the servers' user.

Barman gives root's rights away by itself (`barman_user`). But root's Python environment may be closed to that
user, and what is imported late would not be found: all that Barman needs is imported before.
"""

from __future__ import annotations

import importlib
import sys

NEEDED = (
    "encodings.ascii", "encodings.idna", "encodings.latin_1", "encodings.utf_8", "multiprocessing.pool",
    "bz2", "gzip", "lzma", "lz4.frame", "zstandard", "dateutil.parser", "dateutil.tz", "psycopg2.extras",
    "barman.annotations", "barman.backup", "barman.backup_executor", "barman.compression",
    "barman.copy_controller", "barman.diagnose", "barman.encryption", "barman.hooks",
    "barman.recovery_executor", "barman.retention_policies", "barman.storage.local_file_manager",
    "barman.wal_archiver",
)  # fmt: skip

if __name__ == "__main__":
    for name in NEEDED:
        importlib.import_module(name)
    sys.argv[0] = "barman"
    importlib.import_module("barman.cli").main()
