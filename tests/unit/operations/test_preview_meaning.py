"""From what Pulumi would do to what it means: steps as a preview's JSON has them, and the page."""

from __future__ import annotations

from typing import Any

import pytest

from operations.preview.declared import declared_changes, merged, seed
from operations.preview.meaning import Effect, Meaning
from operations.preview.page import Verdict, page
from operations.preview.plan_difference import differences, new_problems
from operations.preview.pulumi import violations
from operations.preview.rules import meanings
from operations.preview.steps import Preview, read_preview

pytestmark = pytest.mark.unit

_SERVICE = "urn:pulumi:dev::waqiti::waqiti:database:ServiceDatabase::user"
_ROLES = "urn:pulumi:dev::waqiti::waqiti:database:ServiceDatabase$waqiti:database:Roles::user-roles"
_INSTANCE = "pulumi-python:dynamic/local:Instance"
_GATEWAY = "pulumi-python:dynamic/local:Gateway"
_DATABASE = "postgresql:index/database:Database"


def test_a_parameter_of_context_postmaster_restarts_others_reload() -> None:
    before = {"version": 17, "parameters": {"shared_buffers": "1GB", "lock_timeout": "5s"}}
    after = {"version": 17, "parameters": {"shared_buffers": "2GB", "lock_timeout": "7s"}}
    found = meanings(_previewed(_step("update", _INSTANCE, "user-instance", before, after)))
    assert [(one.effect, one.what) for one in found] == [
        (Effect.RESTART, "`shared_buffers` 1GB → 2GB"),
        (Effect.RELOAD, "`lock_timeout` 5s → 7s"),
    ]
    assert all(one.service == "user" for one in found)


@pytest.mark.parametrize(("version", "effect"), [(17, Effect.RESTART), (18, Effect.RELOAD)])
def test_what_restarts_is_asked_of_the_instances_own_version(version: int, effect: Effect) -> None:
    before: dict[str, Any] = {"version": version, "parameters": {}}
    after = {"version": version, "parameters": {"autovacuum_max_workers": "5"}}
    (found,) = meanings(_previewed(_step("update", _INSTANCE, "user-instance", before, after)))
    assert found.effect is effect


@pytest.mark.parametrize("operation", ["update", "replace"])
def test_what_changes_at_an_archive_lets_nobody_wait(operation: str) -> None:
    files = _step(
        "update", "pulumi-python:dynamic/docker:ArchiveFiles", "user-a-files", {"role": "a"}, {"role": "b"}
    )
    container = "docker:index/container:Container"
    before, after = {"image": "one"}, {"image": "two"}
    made = _step(operation, container, "user-backup-archive-container", before, after)
    found = meanings(_previewed(files, made))
    assert [one.effect for one in found] == [Effect.NOTHING, Effect.NOTHING]
    assert all("nobody waits" in one.means for one in found)


def test_deleting_what_holds_data_is_at_risk_until_the_stack_names_it() -> None:
    step = _step("delete", _DATABASE, "user-roles-database", {"name": "waqiti_users"}, None, parent=_ROLES)
    (risky,) = meanings(_previewed(step))
    (meant,) = meanings(_previewed(step), frozenset({"user"}))
    assert (risky.effect, risky.no_go) == (Effect.DATA_AT_RISK, True)
    assert (meant.effect, meant.no_go) == (Effect.REPLACEMENT, False)


def test_deleting_what_is_protected_is_refused_though_the_stack_names_it() -> None:
    step = _step("delete", _DATABASE, "user-roles-database", {"name": "waqiti_users"}, None, parent=_ROLES)
    step["oldState"]["protect"] = True
    (found,) = meanings(_previewed(step), frozenset({"user"}))
    assert found.effect is Effect.REFUSED


def test_a_service_that_is_new_or_leaves_is_said_in_a_line_or_two() -> None:
    new = _step("create", _GATEWAY, "user-gateway", None, {"port": 5433})
    grants = [
        _step("create", "postgresql:index/grant:Grant", f"user-roles-{number}", None, {}, parent=_ROLES)
        for number in range(20)
    ]
    (found,) = meanings(_previewed(new, *grants))
    assert found.what == "**new**: an instance, roles, a gateway at port 5433"
    gone = _step("delete", _GATEWAY, "user-gateway", {"port": 5433}, None)
    data = _step("delete", _INSTANCE, "user-instance", {"keep_data": False}, None)
    leaving = meanings(_previewed(gone, data))
    assert [one.effect for one in leaving] == [Effect.REPLACEMENT, Effect.DATA_AT_RISK]


def test_an_update_without_a_difference_comes_from_a_look_at_the_machine() -> None:
    same = {"version": 17, "parameters": {}}
    (found,) = meanings(_previewed(_step("update", _INSTANCE, "user-instance", same, same)))
    assert "not as the last `up` left it" in found.what


def test_secrets_differ_in_nothing_and_show_nothing() -> None:
    mark = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    step = _step("update", "postgresql:index/role:Role", "user-roles-service", {"password": mark}, {})
    assert "abc" not in str(read_preview({"steps": [step]}))


def test_the_page_of_no_change_says_so_and_is_a_go() -> None:
    verdict = Verdict("dev", "the stack as it is", (), resources=325)
    assert page(verdict).splitlines()[:2] == [
        "<!-- waqiti preview of dev -->",
        "### `dev`: nothing changes",
    ]
    assert not verdict.no_go


def test_services_that_change_alike_share_their_rows() -> None:
    alike = [Meaning(name, Effect.RELOAD, "`log_connections` off → on") for name in ("user", "wallet")]
    text = page(Verdict("dev", "main", tuple(alike)))
    assert "| user, wallet | `log_connections` off → on | **reload** |" in text
    assert "2 services change, reload: **go**" in text


def test_a_refusal_is_a_no_go_and_its_line_stands_first() -> None:
    verdict = Verdict("dev", "main", (), refusals=("wallet-instance accepts TLSv1",))
    assert verdict.no_go
    assert "refused: **NO-GO**" in page(verdict)
    assert "- wallet-instance accepts TLSv1" in page(verdict)


def test_policies_that_refuse_are_read_from_the_engines_events() -> None:
    said = (
        '{"policyEvent":{"message":"What it is.\\nuser-x has\\nno TLS\\n","policyName":"tls",'
        '"enforcementLevel":"mandatory"}}\n{"summaryEvent":{}}\n'
        '{"policyEvent":{"message":"m","policyName":"p","enforcementLevel":"advisory"}}\n'
    )
    assert violations(said) == ("user-x has no TLS (policy `tls`)",)


def test_two_revisions_differ_where_their_declared_inputs_do() -> None:
    base = {"steps": [_new("user-a", {"x": 1, "y": 1}), _new("user-b", {"x": 1}), _new("user-c", {})]}
    head = {"steps": [_new("user-a", {"x": 2, "y": 1}), _new("user-b", {"x": 1}), _new("user-d", {})]}
    found = {urn.rpartition("::")[2]: changes for urn, changes in declared_changes(base, head).items()}
    assert set(found) == {"user-a", "user-c", "user-d"}
    assert [(one.name, one.before, one.after) for one in found["user-a"]] == [("x", 1, 2)]


def test_what_only_the_machine_would_say_is_no_difference_of_revisions() -> None:
    noise = _step("update", _INSTANCE, "user-instance", {"version": 17}, {"version": 17})
    found = merged({}, _previewed(noise), resources=10)
    assert (found.steps, found.resources) == ((), 10)


def test_a_seeded_state_has_what_up_alone_would_know() -> None:
    provider = "urn:pulumi:dev::waqiti::pulumi:providers:pulumi-python::default"
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    one = _new("user-secret", {"rotation": "1"})
    one["newState"] |= {
        "type": "pulumi-python:dynamic/waqiti:GeneratedSecret",
        "custom": True,
        "provider": f"{provider}::{unknown}",
    }
    made = seed({"steps": [one]})
    assert [resource["urn"] for resource in made] == [provider, one["urn"]]
    assert made[1]["outputs"]["value"] == "[secret]"
    assert unknown not in str(made)


def test_the_plans_difference_names_tables_crossings_and_problems() -> None:
    def planned(action: str | None, *problems: str) -> dict[str, Any]:
        wallet = {
            "tables": [{"name": "wallet_schema.wallets"}],
            "edges": [{"identity": "view v -> t", "action": action}],
            "problems": [{"text": text, "severity": "no-go"} for text in problems],
        }
        return {"services": {"wallet": wallet}}

    before, after = planned(None, "undecided"), planned("drop", "worse")
    assert list(differences(before, after)) == [
        "- wallet: crossing `view v -> t`: **undecided** → drop",
        "- wallet: - problem `undecided` (no-go)",
        "- wallet: + problem `worse` (no-go)",
    ]
    assert list(new_problems(before, after)) == ["wallet: worse"]


def _previewed(*steps: dict[str, Any]) -> Preview:
    return read_preview({"steps": list(steps)})


def _step(
    operation: str,
    kind: str,
    name: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    parent: str = _SERVICE,
) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::waqiti::waqiti:database:ServiceDatabase${kind}::{name}"
    states = {
        key: {"urn": urn, "type": kind, "inputs": inputs, "parent": parent}
        for key, inputs in (("oldState", before), ("newState", after))
        if inputs is not None
    }
    return {"op": operation, "urn": urn, **states}


def _new(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return _step("create", "test:index:Thing", name, None, inputs)
