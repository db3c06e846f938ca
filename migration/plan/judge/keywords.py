"""Names in the bodies of routines that a newer server takes for its own words. Pure.

What a server has parsed is carried over with such names in quotes (`migration.parsing.readback`). A body that
is a string is carried over as it is, and means something else there, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.contract import Service
from migration.boundary.closure import Closure
from migration.catalog.objects import PG_PROC, Catalog
from migration.catalog.quoting import NEW_WORDS
from migration.parsing.names import tokens_of
from migration.plan.model import Problem, TargetFacts

_LANGUAGES = frozenset({"sql", "plpgsql"})
_VALUE = "system_user"
"""A word that stands for itself; the others call something."""


def keyword_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """The routines with a name that is no name any more, on the target's version."""
    new = {word for word, since in NEW_WORDS.items() if catalog.server.major < since <= target.major}
    called = new & {item.name for key, item in catalog.objects.items() if key[0] == PG_PROC}
    for key in sorted(closure.objects if new else ()):
        item, routine = catalog.objects[key], catalog.routines.get(key)
        if routine is None or routine.parsed or routine.language not in _LANGUAGES:
            continue
        for word in sorted(_taken(routine.body, new, called)):
            yield Problem(
                service.name,
                "version",
                "no-go",
                f"{item} says {word}, which is a word of the language from PostgreSQL {NEW_WORDS[word]} on:"
                f' CREATE OR REPLACE it in the shared database with "{word}" in quotes',
            )


def _taken(body: str, new: set[str], called: set[str]) -> Iterator[str]:
    """The bare words of a body that are among `called` and call, or are a value."""
    words = [text.lower() for _, text in tokens_of(body)]
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if before in {".", "as"} or word not in new:
            continue
        if word == _VALUE or (after == "(" and word in called):
            yield word
