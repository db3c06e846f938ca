"""What names a schema in text, which renaming the schema would leave behind. Pure.

What the server keeps parsed (views, `BEGIN ATOMIC`, defaults, `'x.s'::regclass`) knows objects by number and
follows a rename by itself. Text does not: bodies of functions, arguments of triggers, `nextval('x.s'::text)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migration.catalog.identity import ObjectId
from migration.catalog.objects import Catalog, CatalogObject
from migration.parsing.names import inside_literal, names_in, qualified, tokens_of

_BY_NUMBER = re.compile(r"reg[a-z]+")
"""Types whose constants are kept as a number, and only printed as a name."""
_PINNED = re.compile(r"(?m)^ SET search_path TO .*$")
"""In a function's definition: it is set anew together with the rename."""
_DEPTH = 3


@dataclass(frozen=True, slots=True, order=True)
class TextUse:
    """An object whose text names the schema."""

    item: str
    """The object, with its kind."""
    names: str
    """What it names."""
    certain: bool
    """Whether it is a name of something that is in the schema; else a text that may be part of one."""

    def __str__(self) -> str:
        return f"{self.item} ({self.names})"


def texts_naming(catalog: Catalog, schema: str, objects: Iterable[ObjectId]) -> list[TextUse]:
    """Those of `objects` whose text names `schema`, the certain ones first."""
    found: list[TextUse] = []
    for key in objects:
        item = catalog.objects.get(key)
        if item is None or item.extension is not None or not item.definition:
            continue
        certain = sorted(
            {name for name in _named(catalog, schema, item) if (schema, name) in catalog.by_name}
        )
        if certain:
            found.append(TextUse(str(item), ", ".join(f"{schema}.{name}" for name in certain), True))
        elif said := next(_alluded(catalog, schema, item), None):
            found.append(TextUse(str(item), said, False))
    return sorted(found, key=lambda use: (not use.certain, use))


def _named(catalog: Catalog, schema: str, item: CatalogObject) -> Iterator[str]:
    routine = catalog.routines.get(item.id)
    if routine is not None and not routine.parsed:
        for use in names_in(routine.language, routine.body, item.definition):
            if use.schema == schema:
                yield use.name
    for literal in _literals(item.definition):
        for use in qualified(literal):
            if use.schema == schema:
                yield use.name


def _alluded(catalog: Catalog, schema: str, item: CatalogObject) -> Iterator[str]:
    """Texts that may become a name: `'x.' || t`, `format('%I.t', 'x')`, `SET search_path = x`."""
    routine = catalog.routines.get(item.id)
    body = routine.body if routine is not None and not routine.parsed else ""
    word = re.compile(rf'(?<![\w."]){re.escape(schema)}(?![\w"])')
    if re.search(r"\bsearch_path\b", body) and word.search(body):
        yield "search_path"
    begun = re.compile(rf'(?<![\w."])"?{re.escape(schema)}"?\s*\.')
    for literal in _literals(body or _PINNED.sub("", item.definition)):
        listed = {part.strip().strip('"') for part in literal.split(",")}
        if schema in listed or begun.search(literal):
            yield f"'{literal if len(literal) < 40 else schema}'"


def _literals(text: str, depth: int = 0) -> Iterator[str]:
    """Every string literal, those inside others too, but constants that are kept as a number."""
    found = tokens_of(text)
    for position, (name, literal) in enumerate(found):
        if name != "SCONST" or _is_number(found[position + 1 : position + 3], depth):
            continue
        content = inside_literal(literal)
        yield content
        if depth < _DEPTH:
            yield from _literals(content, depth + 1)


def _is_number(after: list[tuple[str, str]], depth: int) -> bool:
    # Inside another text it is a text: it becomes a number only when that is run.
    return depth == 0 and len(after) == 2 and after[0][1] == "::" and bool(_BY_NUMBER.fullmatch(after[1][1]))
