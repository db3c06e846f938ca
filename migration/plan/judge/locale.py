"""Whether a service's own database sorts, and knows letters, as the shared one does. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from components.contract import Service
from components.locale import BUILTIN_SINCE, Locale, letters_alike, sort_alike, spelled
from core.services_yaml import crossing_item, setting_line
from migration.boundary.closure import Closure
from migration.boundary.locale_uses import Use, locale_uses, text_column
from migration.catalog.objects import PG_CLASS, Catalog, LocaleAspect, Server
from migration.plan.model import Problem, TargetFacts

LOCALE = "locale "
"""What the identity of a difference of locales begins with, for rules of services.yaml."""
_NAMED = 6
_ASPECTS: tuple[LocaleAspect, ...] = ("case", "class", "search", "order")
_SAYS: dict[LocaleAspect, str] = {
    "case": "lower(), upper() and ILIKE",
    "class": r"\w, [[:alpha:]] and initcap()",
    "search": "to_tsvector()",
    "order": "ORDER BY, <, min() and max()",
}


def locale_problems(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """A no-go where the service's objects, or its statements, may answer otherwise on its own database."""
    yield from _text_search(service, catalog, closure, target)
    source, own = catalog.server, target.locale
    differ = _differ(source.locale, target)
    if not differ:
        yield from _versions(service, source, target)
        return
    uses = [use for use in locale_uses(catalog, closure) if use.aspect in differ]
    column = text_column(catalog, closure)
    if not uses and column is None:
        return
    identity = f"{LOCALE}{source.locale} -> {own}"
    binding = [use for use in uses if use.binds]
    reason = next(
        (
            rule.reason or rule.match
            for rule in service.crossing
            if rule.action == "ignore" and rule.match.startswith(LOCALE) and fnmatchcase(identity, rule.match)
        ),
        "",
    )
    where = _where(uses if not reason else binding, column if not reason else None)
    said = (
        f"the shared database has the locale {source.locale}, {service.name}'s own {own}, and"
        f" {' and '.join(_SAYS[aspect] for aspect in _ASPECTS if aspect in differ)} answer otherwise there"
    )
    if reason and not binding:
        yield Problem(service.name, "locale", "note", f"{said}; services.yaml allows it: {reason}")
        return
    remedy = "give its database the same, and `pulumi up`"
    if target.lacks_locale:
        remedy = (
            f"its server says of that locale: {target.lacks_locale}; install it where that server runs"
            " (Debian: `apt-get install locales`, its line in /etc/locale.gen, `locale-gen`) or take a build"
            " that has it, then give the database the same, and `pulumi up`"
        )
        nearest = _nearest(source, target)
        if nearest is not None:
            remedy += f"; or, nearer to it than {own}, `locale: {nearest.yaml}`, and plan again"
    if binding:
        remedy += "; what is stored follows from it, so that no rule can allow it"
    else:
        remedy += (
            "; or, where its applications can do with other answers, allow it under `crossing`:"
            f" {crossing_item(identity, 'ignore')}"
        )
    yield Problem(
        service.name,
        "locale",
        "no-go",
        f"{said}: {where}; {remedy}",
        f"services: {service.name}: locale: {source.locale.yaml}",
    )


def _differ(source: Locale, target: TargetFacts) -> frozenset[LocaleAspect]:
    """What the two do otherwise: by every character where that was compared, else by name."""
    if target.alike is not None:
        return frozenset(_ASPECTS) - target.alike
    found: set[LocaleAspect] = set() if sort_alike(source, target.locale) else {"order"}
    if not letters_alike(source, target.locale):
        found.update(("case", "class", "search"))
    return frozenset(found)


def _where(uses: Sequence[Use], column: str | None) -> str:
    named = list(dict.fromkeys(str(use) for use in uses))
    parts = [", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")]
    if column is not None:
        parts.append(f"whatever statements do with its text (the first column: {column})")
    return ", and ".join(part for part in parts if part)


def _nearest(source: Server, target: TargetFacts) -> Locale | None:
    """What a server without the source's locale has all the same."""
    name = "C.UTF-8"
    if source.locale.provider != "libc" or target.major < BUILTIN_SINCE[name]:
        return None
    nearest = Locale(provider="builtin", name=name)
    utf8 = spelled(source.locale.ctype).endswith("utf8")
    return nearest if utf8 and target.locale != nearest else None


def _text_search(
    service: Service, catalog: Catalog, closure: Closure, target: TargetFacts
) -> Iterator[Problem]:
    """What to_tsvector() of one argument means: initdb takes it from the locale, too."""
    if catalog.server.text_search == target.text_search:
        return
    uses = [str(use) for use in locale_uses(catalog, closure) if use.aspect == "search"]
    uses += [
        f"{table.name}.{column.name}"
        for table in catalog.tables.values()
        if (PG_CLASS, table.oid) in closure.objects
        for column in table.columns
        if column.type == "tsvector"
    ]
    if uses:
        yield Problem(
            service.name,
            "locale",
            "no-go",
            f"default_text_search_config is {catalog.server.text_search} in the shared database and"
            f" {target.text_search} in {service.name}'s own, and {uses[0]} is for text search: to_tsvector()"
            " and to_tsquery() without a configuration would find other words there; give it the same, and"
            " `pulumi up`",
            setting_line(
                service.name, "parameters", {"default_text_search_config": catalog.server.text_search}
            ),
        )


def _versions(service: Service, source: Server, target: TargetFacts) -> Iterator[Problem]:
    here, there = source.collation_version, target.collation_version
    if here is not None and there is not None and here != there and source.locale == target.locale:
        yield Problem(
            service.name,
            "locale",
            "note",
            f"the locale {source.locale} is of version {here} of its library in the shared database and of"
            f" {there} in {service.name}'s own: some text may sort otherwise; indexes are built anew there",
        )
