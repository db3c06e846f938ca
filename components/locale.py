"""A database's locale: how its text sorts, and which of its characters are letters, large or small. Pure.

PostgreSQL has three providers of it: the C library (`libc`), its own (`builtin`, from 17 on), and ICU.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

Provider = Literal["libc", "builtin", "icu"]

BUILTIN_SINCE = {"C": 17, "C.UTF-8": 17, "PG_UNICODE_FAST": 18}
"""The builtin provider's locales, and PostgreSQL's major version that brought each."""
RULES_SINCE = 16
"""The version from which a database of ICU may have rules of its own."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.@-]*")
"""A name that YAML reads as a text without quotes."""
_OF_LIBRARY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")
_OF_ICU = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@=;,-]*|")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


class Locale(BaseModel):
    """What CREATE DATABASE calls LOCALE_PROVIDER, LC_COLLATE, LC_CTYPE and, but for libc, LOCALE.

    In services.yaml a name alone is a locale of the C library, for both sorting and letters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Provider = "libc"
    name: str | None = None
    """Of the builtin provider and of ICU, for example `C.UTF-8` or `de-AT`."""
    collate: str = "C"
    """The C library's locale that text sorts by; with another provider it decides nothing."""
    ctype: str = "C"
    """The C library's locale of letters; with another provider only text search still asks it."""
    rules: str | None = None
    """Of ICU: what the database sorts otherwise than its locale."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"collate": given, "ctype": given}
        if isinstance(given, dict) and given.get("provider", "libc") == "libc" and given.get("name"):
            name = given["name"]
            rest = {key: value for key, value in given.items() if key != "name"}
            return {"collate": name, "ctype": name, **rest}
        return given

    @model_validator(mode="after")
    def _whole(self) -> Locale:
        if not (_OF_LIBRARY.fullmatch(self.collate) and _OF_LIBRARY.fullmatch(self.ctype)):
            raise ValueError("no name of a locale of the C library; see `locale -a`, for example C.UTF-8")
        if not _OF_ICU.fullmatch(self.name or ""):
            raise ValueError("no name of a locale of ICU; use a language tag, for example de-AT")
        if self.provider != "libc" and self.name is None:
            raise ValueError(f"no name; give the locale of {self.provider}, for example {{name: C.UTF-8}}")
        if self.provider == "builtin" and self.name not in BUILTIN_SINCE:
            raise ValueError(f"no locale of the builtin provider; use one of {', '.join(BUILTIN_SINCE)}")
        if self.rules is not None and self.provider != "icu":
            raise ValueError("only ICU has rules; remove them, or set `provider: icu`")
        return self

    def __str__(self) -> str:
        """As a person would say it."""
        if self.provider != "libc":
            name = "ICU" if self.provider == "icu" else "builtin"
            of_library = "" if self.ctype in {"C", "POSIX"} else f", ctype {self.ctype}"
            rules = ", with rules" if self.rules else ""
            return f"{self.name} ({name}{of_library}{rules})"
        return self.collate if self.collate == self.ctype else f"collate {self.collate}, ctype {self.ctype}"

    @property
    def yaml(self) -> str:
        """What stands after `locale:` in services.yaml, on one line."""
        if self.provider == "libc":
            if self.collate == self.ctype:
                return _text(self.collate)
            return f"{{collate: {_text(self.collate)}, ctype: {_text(self.ctype)}}}"
        parts = {"provider": self.provider, "name": self.name or ""}
        if (self.collate, self.ctype) != ("C", "C"):
            parts |= {"collate": self.collate, "ctype": self.ctype}
        if self.rules:
            parts["rules"] = self.rules
        return "{" + ", ".join(f"{key}: {_text(value)}" for key, value in parts.items()) + "}"

    @property
    def libraries(self) -> tuple[str, ...]:
        """The C library's locales that it needs, each once."""
        return tuple(dict.fromkeys((self.collate, self.ctype)))


PLAIN = Locale()
"""`C` of the C library: by code point, and letters are ASCII's."""


def _text(value: str) -> str:
    """A YAML scalar that is read as the text that it is."""
    plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT
    return value if plain else json.dumps(value)


def spelled(locale: str) -> str:
    """One spelling for all of a locale of the C library: `de_DE.UTF-8` and `de_DE.utf8` are the same."""
    name, dot, rest = locale.partition(".")
    encoding, at, variant = rest.partition("@")
    return name + dot + encoding.lower().replace("-", "") + at + variant


def by_code_point(locale: Locale) -> bool:
    """Whether text sorts by its characters' numbers, which is the same everywhere."""
    if locale.provider == "builtin":
        return True
    return locale.provider == "libc" and spelled(locale.collate) in {"C", "POSIX", "C.utf8"}


def sort_alike(one: Locale, other: Locale) -> bool:
    """Whether text sorts by the same rules, but for other versions of them."""
    if by_code_point(one) or by_code_point(other):
        return by_code_point(one) and by_code_point(other)
    if one.provider != other.provider:
        return False
    if one.provider == "libc":
        return spelled(one.collate) == spelled(other.collate)
    return (_tag(one), one.rules) == (_tag(other), other.rules)


def letters_alike(one: Locale, other: Locale) -> bool:
    """Whether the same characters are letters, large and small, by the locales' names."""
    return _letters(one) == _letters(other) and _library(one.ctype) == _library(other.ctype)


def _letters(locale: Locale) -> tuple[str, str]:
    if locale.provider == "libc":
        # With an ASCII locale no character beyond ASCII is a letter, whoever says so.
        return ("", "C") if _library(locale.ctype) == "C" else ("libc", _library(locale.ctype))
    if locale.provider == "builtin":
        return ("", "C") if locale.name == "C" else ("builtin", locale.name or "")
    return ("icu", _tag(locale))


def _library(name: str) -> str:
    return "C" if name == "POSIX" else spelled(name)


def _tag(locale: Locale) -> str:
    tag = (locale.name or "").lower().replace("_", "-")
    return "und" if tag in {"", "root", "und"} else tag
