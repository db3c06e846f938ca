"""Tuning: the plan's values exactly, formulas elsewhere, within each version's limits."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.catalogue.model import Catalogue, Pool, Resources, ServiceEndpoint, ServiceEntry, Workload
from components.catalogue.read import read_catalogue
from components.problems import ConfigurationError
from components.sizes import GB, MB, parse_size
from components.tuning.parameters import VERSIONS, check_parameters
from components.tuning.tune import FLOORS, tune
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

GOLDEN = Path(__file__).parent / "golden"
CATALOGUE: Catalogue = read_catalogue(REPOSITORY / "services.yaml")

PLAN = {
    "user": {
        "max_connections": "100", "shared_buffers": "256MB", "effective_cache_size": "1GB",
        "work_mem": "4MB", "maintenance_work_mem": "64MB", "lock_timeout": "30s",
        "log_min_duration_statement": "1s",
    },
    "payment": {
        "max_connections": "200", "shared_buffers": "512MB", "effective_cache_size": "2GB",
        "work_mem": "8MB", "maintenance_work_mem": "128MB", "random_page_cost": "1.1",
        "effective_io_concurrency": "300", "max_wal_size": "2GB", "lock_timeout": "10s",
        "statement_timeout": "30s", "log_statement": "all",
    },
    "wallet": {
        "max_connections": "150", "shared_buffers": "384MB", "effective_cache_size": "1536MB",
        "work_mem": "6MB", "maintenance_work_mem": "96MB", "lock_timeout": "5s",
        "statement_timeout": "15s", "effective_io_concurrency": "250",
        "default_transaction_isolation": "serializable",
    },
    "analytics": {"shared_buffers": "1GB", "work_mem": "32MB", "random_page_cost": "1.1"},
}  # fmt: skip

EVERYWHERE = {
    "shared_preload_libraries": "pg_stat_statements",
    "log_connections": "on",
    "log_disconnections": "on",
    "deadlock_timeout": "1s",
    "checkpoint_completion_target": "0.9",
    "password_encryption": "scram-sha-256",
    "wal_level": "logical",
}


def entry(workload: Workload, memory: int, connections: int | None = None, cpus: int = 2) -> ServiceEntry:
    return ServiceEntry(
        schema="some_schema",
        endpoint=ServiceEndpoint(host="postgres-some", port=6000),
        database="waqiti_some",
        role="waqiti_some_service",
        password_variable="SOME_DB_PASSWORD",
        workload=workload,
        resources=Resources(memory=memory, max_connections=connections, cpus=cpus),
        pool=Pool(maximum=10, idle=2),
    )


@pytest.mark.parametrize("service", PLAN)
def test_the_plans_values_hold_exactly_at_scale_one(service: str) -> None:
    tuned = tune(CATALOGUE.services[service], version=17)
    assert {name: tuned[name] for name in PLAN[service]} == PLAN[service]


@pytest.mark.parametrize("service", CATALOGUE.services)
def test_what_holds_for_all_holds_for_each(service: str) -> None:
    tuned = tune(CATALOGUE.services[service], version=17)
    assert {name: tuned[name] for name in EVERYWHERE} == EVERYWHERE


@pytest.mark.parametrize("service", CATALOGUE.services)
def test_parameters_are_as_last_reviewed(service: str) -> None:
    """Set WAQITI_UPDATE_GOLDEN=1 to rewrite the files, then read the difference."""
    entry = CATALOGUE.services[service]
    tuned = {
        "scale 1": tune(entry, version=17, scale=1.0),
        "scale 0.125": tune(entry, version=17, scale=0.125),
    }
    file = GOLDEN / f"tuning-{service}.json"
    if os.environ.get("WAQITI_UPDATE_GOLDEN"):
        file.write_text(json.dumps(tuned, indent=2) + "\n", encoding="utf-8")
    assert tuned == json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("service", CATALOGUE.services)
def test_scale_changes_memory_and_nothing_else(service: str) -> None:
    entry = CATALOGUE.services[service]
    full, small = tune(entry, version=17, scale=1.0), tune(entry, version=17, scale=0.125)
    changed = {name for name in full if full[name] != small[name]}
    assert changed <= set(FLOORS)


@settings(deadline=None)
@given(
    workload=st.sampled_from(list(Workload)),
    memory=st.integers(min_value=64 * MB, max_value=512 * GB),
    connections=st.one_of(st.none(), st.integers(min_value=20, max_value=2000)),
    cpus=st.integers(min_value=1, max_value=256),
    scale=st.floats(min_value=0.01, max_value=8),
    version=st.sampled_from(VERSIONS),
)
def test_whatever_the_resources_every_version_takes_the_parameters(
    *, workload: Workload, memory: int, connections: int | None, cpus: int, scale: float, version: int
) -> None:
    tuned = tune(entry(workload, memory, connections, cpus), version=version, scale=scale)
    assert list(check_parameters(tuned, version)) == []


@settings(deadline=None)
@given(memory=st.integers(min_value=256 * MB, max_value=512 * GB), workload=st.sampled_from(list(Workload)))
def test_buffers_are_a_quarter_of_memory(memory: int, workload: Workload) -> None:
    tuned = tune(entry(workload, memory), version=17)
    assert abs(parse_size(tuned["shared_buffers"]) - memory / 4) < MB


@settings(deadline=None)
@given(memory=st.integers(min_value=256 * MB, max_value=512 * GB), workload=st.sampled_from(list(Workload)))
def test_wal_never_outgrows_twice_the_memory(memory: int, workload: Workload) -> None:
    tuned = tune(entry(workload, memory), version=17)
    assert parse_size(tuned["min_wal_size"]) * 4 - 4 <= parse_size(tuned["max_wal_size"]) <= 2 * memory


def test_a_parameter_that_the_version_does_not_have_is_refused() -> None:
    changed = CATALOGUE.services["user"].model_copy(update={"parameters": {"io_method": "worker"}})
    with pytest.raises(
        ConfigurationError,
        match=r"io_method: PostgreSQL 17 has no such parameter; remove it \(it is one of 18\)",
    ):
        tune(changed, version=17)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("effective_io_concurrency", "2000", "'2000' is not between 0 and 1000"),
        ("work_mem", "1kB", "'1kB' is not between 64 and 2147483647kB"),
        ("lock_timeout", "5 minutes", "'5 minutes' has no unit of us, ms, s, min, h, d"),
        ("log_statement", "every", "'every' is none of all, ddl, mod, none"),
        ("jit", "perhaps", "'perhaps' is neither on nor off"),
        ("work_men", "4MB", "no such parameter; did you mean `work_mem`?"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name: str, value: str, message: str) -> None:
    ((found, what, fix),) = check_parameters({name: value}, 17)
    assert found == name
    assert message in f"{what}; {fix}"


def test_an_extensions_own_parameter_is_let_through() -> None:
    assert list(check_parameters({"pgaudit.log": "write"}, 17)) == []
