"""Whether servers would have a locale, before they are made. Pure; each platform says what it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from components.locale import BUILTIN_SINCE, PLAIN, RULES_SINCE, Locale, spelled
from components.problems import ConfigurationError, Problem
from servers.locales import fits

_DEBIAN = "Debian: `apt-get install locales`, its line in /etc/locale.gen, `locale-gen`"


def check_locale(
    service: str,
    locale: Locale,
    version: int,
    *,
    where: str,
    icu: bool,
    codeset: Callable[[str], str | None],
) -> None:
    """Raises ConfigurationError with every reason why servers of PostgreSQL `version` would lack `locale`.

    `where` they run, for people; `icu`: whether they are built with it; `codeset` gives the encoding of a
    locale of their C library, None for one that it lacks.
    """
    key = f"services.yaml: services.{service}.locale"
    found = [Problem(key, what, fix) for what, fix in _reasons(locale, version, where, icu, codeset)]
    if found:
        raise ConfigurationError(found)


def _reasons(
    locale: Locale, version: int, where: str, icu: bool, codeset: Callable[[str], str | None]
) -> Iterator[tuple[str, str]]:
    if locale.provider == "builtin":
        since = BUILTIN_SINCE[locale.name or "C"]
        if version < since:
            other = "C.UTF-8" if locale.name == "C.UTF-8" else "C"
            yield (
                f"PostgreSQL {version} has no builtin {locale.name}, which came with {since}",
                f"set postgresVersion to {since}, or `locale: {other}`",
            )
    if locale.provider == "icu" and not icu:
        yield (
            f"{where} is built without ICU",
            "name a build that has it (postgresBin, or docker.postgresImage), or another provider's locale",
        )
    if locale.rules is not None and version < RULES_SINCE:
        yield f"PostgreSQL {version} knows no rules, which came with {RULES_SINCE}", "remove them"
    for name in locale.libraries:
        encoding = codeset(name)
        if encoding is None:
            instead = _instead(name, version)
            yield (
                f"the C library of {where} has no locale {name}",
                f"install it there ({_DEBIAN}), or `locale: {instead.yaml}`",
            )
        elif not fits(encoding):
            yield (
                f"{name} is of the encoding {encoding}, and every database of UTF8",
                f"`locale: {name.partition('.')[0]}.UTF-8`",
            )


def _instead(name: str, version: int) -> Locale:
    """What every server of that version has, as near to the C library's locale as there is."""
    nearest = spelled(name).endswith("utf8") and version >= BUILTIN_SINCE["C.UTF-8"]
    return Locale(provider="builtin", name="C.UTF-8") if nearest else PLAIN
