"""What of a service its database's locale has a say in: its objects, and the functions they call. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migration.boundary.closure import Closure
from migration.catalog.identity import ObjectId
from migration.catalog.objects import Catalog, CatalogObject, LocaleAspect, LocaleUse

_CASE = re.compile(r"\b(lower|upper|initcap|casefold)\s*\(|\b(ILIKE)\b|!?~~?\*", re.IGNORECASE)
_CLASS = re.compile(
    r"\b(initcap|regexp_\w+|similarity|word_similarity)\s*\(|\b(SIMILAR)\s+TO\b|\\[wWsSdDmMyY]|\[\[:",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"\b(jsonb?_to_tsvector|to_tsvector|(?:plain|phrase|websearch_)?to_tsquery|ts_headline)\s*\(|@@",
    re.IGNORECASE,
)
_BODIES: tuple[tuple[LocaleAspect, re.Pattern[str]], ...] = (
    ("case", _CASE),
    ("class", _CLASS),
    ("search", _SEARCH),
)

_RANGES = "partitions by a range of text"
_BY_CLASS = re.compile(r"\\[wWsSdDmMyYbB]|\[\[:|\(\?")
"""What a regular expression asks the locale with."""
_MATCHES = re.compile(r"(?<![~!@#%^&|<>=*])!?~(?![~*=<>@^&|])\s*(\S)")
_CALLS = re.compile(r"\b(?:regexp_\w+|similar_to_escape)\(")


@dataclass(frozen=True, slots=True)
class Use:
    """An object and what of the locale it asks."""

    item: CatalogObject
    """As a person knows it."""
    aspect: LocaleAspect
    what: str
    binds: bool
    """Whether what is stored, or may be stored, follows from it: a generated column, a unique index, a check,
    a range of a partition."""

    def __str__(self) -> str:
        return f"{self.item} ({self.what})"


def locale_uses(catalog: Catalog, closure: Closure) -> list[Use]:
    """All uses of the service's objects, what binds first."""
    direct: dict[ObjectId, list[LocaleUse]] = {}
    for use in catalog.locale_uses:
        if use.object_id in closure.objects and _asks(catalog, use):
            direct.setdefault(use.object_id, []).append(use)
    for key in closure.objects:
        direct.setdefault(key, []).extend(_of_body(catalog, key))
    called = _through_calls(catalog, closure, direct)
    found = {
        Use(_shown(catalog, key), use.aspect, use.what, _binds(catalog, key, use))
        for uses in (direct, called)
        for key, some in uses.items()
        for use in some
        if use.aspect != "text"
    }
    return sorted(found, key=lambda use: (not use.binds, str(use), use.aspect))


def text_column(catalog: Catalog, closure: Closure) -> str | None:
    """The first column of text of the service, of those without a COLLATE; None: it has none."""
    columns = [
        f"{catalog.objects[use.object_id].identity}.{use.what}"
        for use in catalog.locale_uses
        if use.aspect == "text" and use.object_id in closure.objects
    ]
    return min(columns, default=None)


def _asks(catalog: Catalog, use: LocaleUse) -> bool:
    """Whether a regular expression asks the locale: most name their characters one by one."""
    if use.what != "a regular expression":
        return True
    item = catalog.objects[use.object_id]
    text = item.definition or _shown(catalog, use.object_id).definition
    if not text or _BY_CLASS.search(text):
        return True
    # A pattern that is no constant may have anything in it.
    return any(after not in {"'", "s", "A", "("} for after in _MATCHES.findall(text)) or (
        _CALLS.search(text) is not None and "'" not in text
    )


def _of_body(catalog: Catalog, key: ObjectId) -> Iterator[LocaleUse]:
    routine = catalog.routines.get(key)
    if routine is None or routine.parsed:
        return
    for aspect, pattern in _BODIES:
        found = pattern.search(routine.body)
        if found is not None:
            what = next((group for group in found.groups() if group), found[0])
            yield LocaleUse(key, aspect, what.lower())


def _through_calls(
    catalog: Catalog, closure: Closure, direct: dict[ObjectId, list[LocaleUse]]
) -> dict[ObjectId, list[LocaleUse]]:
    """Uses of what calls a function that has uses, at any distance that the catalogue knows of."""
    found: dict[ObjectId, list[LocaleUse]] = {}
    grown = True
    while grown:
        grown = False
        for key in closure.objects:
            for dependency in catalog.outgoing.get(key, ()):
                callee = dependency.referenced
                if callee not in catalog.routines:
                    continue
                name = catalog.objects[callee].name
                for aspect in {use.aspect for use in (*direct.get(callee, ()), *found.get(callee, ()))}:
                    use = LocaleUse(key, aspect, name)
                    if use not in found.setdefault(key, []):
                        found[key].append(use)
                        grown = True
    return found


def _shown(catalog: Catalog, key: ObjectId) -> CatalogObject:
    """The view instead of its rule."""
    item = catalog.objects[key]
    if item.kind == "rule" and item.name == "_RETURN" and item.parent is not None:
        return catalog.objects[item.parent]
    return item


def _binds(catalog: Catalog, key: ObjectId, use: LocaleUse) -> bool:
    item = catalog.objects[key]
    if item.kind in {"check constraint", "exclusion constraint"} or use.what == _RANGES:
        return True
    if item.kind == "index":
        return item.definition.startswith("CREATE UNIQUE ")
    if item.kind == "default":
        table = catalog.tables.get((item.parent or (0, 0))[1])
        return table is not None and any(c.name == item.name and c.generated == "s" for c in table.columns)
    return item.kind == "table" and (use.what.endswith("of type ltree") or _is_key(catalog, key, use))


def _is_key(catalog: Catalog, key: ObjectId, use: LocaleUse) -> bool:
    """Whether a column of citext is in a unique index."""
    if not use.what.endswith("of type citext"):
        return False
    column = use.what.partition(" of type ")[0]
    definitions = (catalog.objects[part].definition for part in catalog.parts.get(key, ()))
    return any(
        text.startswith("CREATE UNIQUE ") and re.search(rf"[(, ]{re.escape(column)}[), ]", text)
        for text in definitions
    )
