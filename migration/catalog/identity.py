"""What tells one object of a database from all others. Pure."""

from __future__ import annotations

ObjectId = tuple[int, int]
"""The catalogue (`classid`) and the oid in it, as `pg_depend` has them."""
