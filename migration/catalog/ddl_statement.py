"""One statement of DDL for a service's own database, as a value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from migration.catalog.identity import ObjectId


@dataclass(frozen=True, slots=True)
class Statement:
    """DDL for the target, and what it is about."""

    name: str
    """For people: `table user_schema.users`, `fk constraint ...`."""
    kind: str
    """pg_dump's description: `TABLE`, `INDEX`, `CONSTRAINT`, `FK CONSTRAINT`, `TRIGGER`, ..."""
    object_id: ObjectId
    text: str
    access_method: str | None = None
    depends: tuple[ObjectId, ...] = ()
    """Objects of the dump that have to be there before; those without `(classid, objid)` left out."""

    under_path: bool = False
    """Whether what it runs finds names as the service's sessions do, by their search_path."""

    @property
    def fingerprint(self) -> str:
        """Tells it apart from every other statement of the same service, over runs of this program."""
        return hashlib.sha256(f"{self.kind}\0{self.name}\0{self.text}".encode()).hexdigest()
