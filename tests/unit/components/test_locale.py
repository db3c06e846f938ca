"""A locale of services.yaml: how it is written, what is alike, and what a platform would lack."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from components.catalogue.model import Catalogue, ServiceEntry
from components.locale import Locale, letters_alike, sort_alike, spelled
from components.platforms.locale_check import check_locale
from components.problems import ConfigurationError

pytestmark = pytest.mark.unit

WRITTEN = [
    "C.UTF-8",
    "de_DE.UTF-8@euro",
    "no",
    {"collate": "de_DE.UTF-8", "ctype": "C"},
    {"provider": "builtin", "name": "C.UTF-8"},
    {"provider": "builtin", "name": "PG_UNICODE_FAST"},
    {"provider": "icu", "name": "de-AT", "collate": "C.UTF-8", "ctype": "C.UTF-8"},
    {"provider": "icu", "name": "de@collation=phonebook", "rules": "&a < 'b' #"},
]


def locale(written: Any) -> Locale:
    return Locale.model_validate(written)


@pytest.mark.parametrize("written", WRITTEN, ids=str)
def test_what_is_printed_for_services_yaml_is_read_as_the_same(written: Any) -> None:
    made = locale(written)
    line = f"services: {{user: {{locale: {made.yaml}}}}}"
    assert locale(yaml.safe_load(line)["services"]["user"]["locale"]) == made


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"provider": "icu"}, "no name"),
        ({"provider": "builtin", "name": "de"}, "use one of C, C.UTF-8, PG_UNICODE_FAST"),
        ({"provider": "builtin", "name": "C", "rules": "&a < b"}, "only ICU has rules"),
        ("C'; DROP", "see `locale -a`"),
        ({"provider": "icu", "name": "de$(x)"}, "language tag"),
        ({"provider": "glibc"}, "'libc', 'builtin' or 'icu'"),
    ],
)
def test_what_is_no_locale_is_refused_with_what_to_write(written: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        locale(written)


def test_a_name_alone_is_the_c_librarys_for_both() -> None:
    assert locale({"provider": "libc", "name": "en_US.UTF-8"}) == locale("en_US.UTF-8")
    assert locale("en_US.UTF-8").collate == locale("en_US.UTF-8").ctype == "en_US.UTF-8"


@pytest.mark.parametrize(
    ("one", "other", "sort", "letters"),
    [
        ("C", "POSIX", True, True),
        ("C", {"provider": "builtin", "name": "C"}, True, True),
        ("de_DE.utf8", "de_DE.UTF-8", True, True),
        ("C", "C.UTF-8", True, False),
        ("C.UTF-8", {"provider": "builtin", "name": "C.UTF-8"}, True, False),
        ("de_DE.UTF-8", "en_US.UTF-8", False, False),
        ({"collate": "de_DE.UTF-8", "ctype": "C"}, "C", False, True),
        ({"provider": "icu", "name": "de-AT"}, {"provider": "icu", "name": "de_at"}, True, True),
        ({"provider": "icu", "name": "und"}, {"provider": "icu", "name": ""}, True, True),
        ({"provider": "icu", "name": "de"}, {"provider": "icu", "name": "de", "rules": "&a<b"}, False, True),
        (
            {"provider": "icu", "name": "de"},
            {"provider": "icu", "name": "de", "ctype": "C.UTF-8"},
            True,
            False,
        ),
        ({"provider": "icu", "name": "de"}, "de_DE.UTF-8", False, False),
    ],
    ids=str,
)
def test_two_locales_are_alike_by_what_they_do(one: Any, other: Any, sort: bool, letters: bool) -> None:
    assert (sort_alike(locale(one), locale(other)), letters_alike(locale(one), locale(other))) == (
        sort,
        letters,
    )
    assert sort_alike(locale(other), locale(one)) == sort
    assert letters_alike(locale(other), locale(one)) == letters


def test_an_encoding_has_one_spelling() -> None:
    assert spelled("de_DE.UTF-8@euro") == spelled("de_DE.utf8@euro") == "de_DE.utf8@euro"


def problems(written: Any, version: int = 17, icu: bool = False) -> list[str]:
    encodings = {"C": "UTF-8", "C.UTF-8": "UTF-8", "de_DE": "ISO-8859-1"}
    try:
        check_locale("user", locale(written), version, where="this machine", icu=icu, codeset=encodings.get)
    except ConfigurationError as error:
        return [str(problem) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("written", "version", "said"),
    [
        ("en_US.UTF-8", 17, "has no locale en_US.UTF-8; install it there"),
        ("en_US.UTF-8", 17, "`locale: {provider: builtin, name: C.UTF-8}`"),
        ("en_US.UTF-8", 16, "or `locale: C`"),
        ("de_DE", 17, "encoding ISO-8859-1, and every database of UTF8; `locale: de_DE.UTF-8`"),
        ({"provider": "icu", "name": "de"}, 17, "is built without ICU"),
        ({"provider": "builtin", "name": "C.UTF-8"}, 16, "set postgresVersion to 17, or `locale: C.UTF-8`"),
        ({"provider": "builtin", "name": "PG_UNICODE_FAST"}, 17, "came with 18"),
    ],
)
def test_a_preview_says_what_is_missing_and_the_line_that_works(
    written: Any, version: int, said: str
) -> None:
    (found,) = problems(written, version)
    assert found.startswith("services.yaml: services.user.locale: ")
    assert said in found


@pytest.mark.parametrize("written", ["C", "C.UTF-8", {"provider": "builtin", "name": "C.UTF-8"}], ids=str)
def test_a_locale_that_is_there_has_no_problem(written: Any) -> None:
    assert problems(written) == []


def test_a_service_has_the_catalogues_locale_unless_it_names_its_own(entry: ServiceEntry) -> None:
    plain = Catalogue(services={"a": entry, "b": entry.model_copy(update={"locale": locale("C.UTF-8")})})
    assert (str(plain.locale_of("a")), str(plain.locale_of("b"))) == ("C", "C.UTF-8")
    both = Catalogue.model_validate({**plain.model_dump(by_alias=True), "locale": "POSIX"})
    assert (str(both.locale_of("a")), str(both.locale_of("b"))) == ("POSIX", "C.UTF-8")


@pytest.fixture
def entry() -> ServiceEntry:
    return ServiceEntry.model_validate(
        {
            "schema": "a_schema",
            "endpoint": {"host": "a", "port": 5433},
            "database": "a",
            "role": "a_service",
            "passwordVariable": "A",
            "workload": "mixed",
            "resources": {"memory": "1GB"},
            "pool": {"maximum": 5, "idle": 1},
        }
    )
