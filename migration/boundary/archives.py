"""Old copies of services that are finished: schemas of the shared database that `finish` renamed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ARCHIVE = re.compile(r"(?P<schema>.+)_archived_\d{8}(_\d+)?")
"""What `migration.finish.finish.archive_name` makes."""


def is_archive(schema: str) -> bool:
    """Whether a schema is an old copy, by its name."""
    return _ARCHIVE.fullmatch(schema) is not None


def archived_schemas(schemas: Iterable[str], claims: Mapping[str, str]) -> dict[str, str]:
    """The archives among `schemas` of schemas that services claim, each with the schema it once was.

    Names that were too long, and were cut for the archive, are not recognised.
    """
    found = {}
    for schema in schemas:
        match = _ARCHIVE.fullmatch(schema)
        if match is not None and match["schema"] in claims and schema not in claims:
            found[schema] = match["schema"]
    return found
