"""What drift compares by itself: a parameter's spelling, a password's verifier, a state's resources."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from operations.drift.command import merged
from operations.drift.model import Difference, read_state
from operations.drift.parameters import same
from operations.drift.roles import verifies

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("declared", "setting", "unit", "kind"),
    [
        ("256MB", "32768", "8kB", "integer"),
        ("1.5GB", "1572864", "kB", "integer"),
        ("30s", "30000", "ms", "integer"),
        ("1d", "1440", "min", "integer"),
        ("on", "on", None, "bool"),
        ("TRUE", "on", None, "bool"),
        ("0", "off", None, "bool"),
        ("0.9", "0.9", None, "real"),
        ("1.10", "1.1", None, "real"),
        ("Serializable", "serializable", None, "enum"),
        ("pg_stat_statements,pgaudit", "pg_stat_statements, pgaudit", None, "string"),
    ],
)
def test_one_value_in_two_spellings_is_no_drift(
    declared: str, setting: str, unit: str | None, kind: str
) -> None:
    assert same(declared, setting, unit, kind)


@pytest.mark.parametrize(
    ("declared", "setting", "unit", "kind"),
    [
        ("256MB", "32769", "8kB", "integer"),
        ("30s", "30001", "ms", "integer"),
        ("on", "off", None, "bool"),
        ("0.9", "0.91", None, "real"),
        ("pgaudit", "pg_stat_statements", None, "string"),
    ],
)
def test_the_least_difference_of_a_value_is_drift(
    declared: str, setting: str, unit: str | None, kind: str
) -> None:
    assert not same(declared, setting, unit, kind)


def test_a_verifier_is_of_one_password_only() -> None:
    verifier = _scram("a password", b"0123456789abcdef")
    assert verifies("a password", verifier)
    assert not verifies("another", verifier)
    assert not verifies("a password", "md5d41d8cd98f00b204e9800998ecf8427e")


def test_the_state_gives_each_service_its_own_resources_in_clear() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"word"'}
    parent = "urn:pulumi:dev::waqiti::waqiti:database:ServiceDatabase$waqiti:database:Roles::user-roles"
    role = {
        "type": "postgresql:index/role:Role",
        "urn": "urn:pulumi:dev::waqiti::x::user-roles-service",
        "parent": parent,
        "inputs": {"name": "waqiti_user_service", "password": secret},
    }
    state = {"deployment": {"resources": [role, {"type": "pulumi:pulumi:Stack", "urn": "urn:a::b::c::d"}]}}
    (declared,) = read_state(state, "dev").values()
    assert declared.service == "user"
    assert declared.one(":Role") == {"name": "waqiti_user_service", "password": "word"}
    assert "word" not in repr(declared)


def test_what_pulumi_saw_too_is_said_once() -> None:
    own = Difference("user", "role a", "limit 6", "9", "pg_authid", "ALTER ROLE a")
    same_thing = Difference("user", "user-roles-a (a): connectionLimit", "6", "9", "pulumi refresh", "up")
    another = Difference("user", "user-roles-database (b): owner", "c", "d", "pulumi refresh", "up")
    of_another = Difference("wallet", "wallet-roles-a (a): login", "True", "False", "pulumi refresh", "up")
    assert merged([own], [same_thing, another, of_another]) == [own, another, of_another]


def _scram(password: str, salt: bytes) -> str:
    mixed = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    stored = hashlib.sha256(hmac.digest(mixed, b"Client Key", "sha256")).digest()
    server = hmac.digest(mixed, b"Server Key", "sha256")
    keys = ":".join(base64.b64encode(key).decode() for key in (stored, server))
    return f"SCRAM-SHA-256$4096:{base64.b64encode(salt).decode()}${keys}"
