"""What the Kubernetes platform would make: names, addresses, policies, files; and what cannot be deployed."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.platforms.interface import InstanceArgs, Network
from components.platforms.kubernetes import gateway_files, link, manifests, reads
from components.platforms.kubernetes.operator_parameters import refused
from components.platforms.kubernetes.plan import StackPlan, problems, stack_plan
from components.platforms.kubernetes.policies import CLIENT, policies
from components.settings.model import SOURCE_AUTHORITY_IN_POD, Settings
from components.tuning.tune import tune
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

CLUSTER = {
    "context": "production",
    "gatewayImage": "pgbouncer:1",
    "addresses": "10.96.0.64/26",
    "nodeAddress": "10.99.0.2",
}
PROPS: dict[str, Any] = {
    "port": 5433,
    "database": "waqiti_users",
    "service_role": "waqiti_user_service",
    "service_password": "the service's",
    "ddl_role": "waqiti_user_ddl",
    "ddl_password": "of schema migrations",
    "administrator_password": "the console's",
    "source": {
        "host": "postgres-shared",
        "port": 5432,
        "database": "waqiti",
        "sslmode": "verify-full",
        "role": "user_shared",
    },
    "source_password": "on the shared database",
    "settings": {"pool_mode": "transaction"},
    "instance": {"host": "db-rw.waqiti-prod-user.svc", "port": 5432},
    "administration": ["10.99.0.1/32"],
    "source_authority": "a certificate",
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(REPOSITORY / "services.yaml")


def settings(kubernetes: dict[str, Any] | None = None, **changes: Any) -> Settings:
    login = {"name": "somebody", "password": "of-nothing"}
    source = {
        "host": "postgres-shared",
        "address": "10.99.0.1",
        "administrator": login,
        "application": login,
    }
    return Settings.model_validate(
        {
            "platform": "kubernetes",
            "source": source,
            "kubernetes": {**CLUSTER, **(kubernetes or {})},
            **changes,
        }
    )


def planned(catalogue: Catalogue, wanted: Settings) -> StackPlan:
    return stack_plan(wanted, catalogue, "waqiti", "prod")


def instance_args(catalogue: Catalogue) -> InstanceArgs:
    entry = catalogue.services["user"]
    return InstanceArgs(
        service="user",
        network=Network(None, None, None),  # type: ignore[arg-type]
        host="postgres-user",
        port=15433,
        database="waqiti_users",
        version=17,
        parameters=tune(entry, version=17),
        administrator="postgres",
        administrator_password="a superuser's",
        roles=("waqiti_user_service",),
        replication_roles=("waqiti_user_migration",),
    )


def test_every_address_and_port_of_a_stack_is_another(catalogue: Catalogue) -> None:
    services = planned(catalogue, settings()).services.values()
    addresses = {a for one in services for a in (one.gateway_address, one.instance_address)}
    assert len(addresses) == 2 * 8
    assert {one.node_port for one in services} == set(range(30433, 30441))


def test_a_service_keeps_its_addresses_when_others_go(catalogue: Catalogue) -> None:
    alone = planned(catalogue, settings(services=["wallet"]))
    assert alone.services["wallet"] == planned(catalogue, settings()).services["wallet"]


def test_without_a_link_the_shared_database_has_no_port(catalogue: Catalogue) -> None:
    services = planned(catalogue, settings({"link": False})).services.values()
    assert {one.node_port for one in services} == {None}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"context": ""}, "kubernetes.context"),
        ({"gatewayImage": ""}, "kubernetes.gatewayImage"),
        ({"addresses": "10.96.0.64/30"}, "kubernetes.addresses"),
        ({"nodePort": 32767}, "kubernetes.nodePort"),
    ],
)
def test_what_cannot_be_deployed_is_named(catalogue: Catalogue, changes: dict[str, Any], where: str) -> None:
    found = problems(settings(changes, services=["user", "wallet"]), catalogue, "waqiti", "prod")
    assert [one.key for one in found] == [where]


def test_who_reads_others_mounts_their_authorities_once_they_are_there(catalogue: Catalogue) -> None:
    assert problems(settings(), catalogue, "waqiti", "prod") == []
    plan, args = planned(catalogue, settings()).services["analytics"], instance_args(catalogue)
    assert plan.reads == ("user", "wallet")
    wanted = settings().kubernetes
    spec = manifests.cluster(plan, wanted, args, "waqiti-prod", authority=True, read=plan.reads)
    maps = [one["configMap"] for one in spec["projectedVolumeTemplate"]["sources"]]
    assert [(one["name"], one.get("optional", False)) for one in maps] == [
        ("shared-authority", False),
        ("reads-user", True),
        ("reads-wallet", True),
    ]


def test_who_is_not_deployed_is_not_read(catalogue: Catalogue) -> None:
    some = planned(catalogue, settings(services=["analytics", "wallet"]))
    assert some.services["analytics"].reads == ("wallet",)


def test_only_the_readers_instances_reach_what_is_read() -> None:
    (out,) = reads.way_out("waqiti-prod-user")["egress"]
    (into,) = reads.way_in("waqiti-prod-analytics")["ingress"]
    for there, ends in (("waqiti-prod-user", out["to"]), ("waqiti-prod-analytics", into["from"])):
        (end,) = ends
        assert end["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": there}
        assert end["podSelector"]["matchLabels"] == {"cnpg.io/cluster": "db"}


def test_nobody_is_let_in_but_who_is_named(catalogue: Catalogue) -> None:
    found = policies("user", 5433, "cnpg-system", [("10.0.0.1", 6443)], [IPv4Network("10.99.0.1/32")])
    assert found["deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (clients,) = found["gateway"]["ingress"]
    assert clients["from"] == [{"namespaceSelector": {}, "podSelector": {"matchLabels": {CLIENT: "user"}}}]
    assert "administration" not in policies("user", 5433, "cnpg-system", [], [])


def test_the_operator_gets_no_parameter_that_it_refuses(catalogue: Catalogue) -> None:
    plan = planned(catalogue, settings()).services["user"]
    spec = manifests.cluster(
        plan, settings().kubernetes, instance_args(catalogue), "waqiti-prod", authority=True
    )
    parameters = spec["postgresql"]["parameters"]
    assert refused(parameters) == []
    assert "shared_preload_libraries" not in parameters
    assert "pg_stat_statements.track" in parameters  # by which the operator loads it
    assert spec["certificates"]["serverAltDNSNames"][0] == "postgres-user"


def test_a_parameter_that_the_operator_sets_is_refused_by_name(catalogue: Catalogue) -> None:
    entry = catalogue.services["user"].model_copy(update={"parameters": {"archive_mode": "on"}})
    changed = catalogue.model_copy(update={"services": {"user": entry}})
    found = problems(settings(services=["user"]), changed, "waqiti", "prod")
    assert [one.key for one in found] == ["services.yaml: services.user.parameters.archive_mode"]


def test_replication_is_patient_as_long_as_services_may_move(catalogue: Catalogue) -> None:
    plan, args = planned(catalogue, settings()).services["user"], instance_args(catalogue)
    timeouts = []
    for link_is_there in (True, False):
        wanted = settings({"link": link_is_there}).kubernetes
        spec = manifests.cluster(plan, wanted, args, "waqiti-prod", authority=True)
        timeouts.append(spec["postgresql"]["parameters"].get("wal_receiver_timeout"))
    assert timeouts == ["60s", None]


def test_the_last_own_line_of_pg_hba_lets_nobody_in(catalogue: Catalogue) -> None:
    lines = manifests.hba_lines(instance_args(catalogue))
    assert lines[-1] == "host all all all reject"
    assert lines[0] == 'hostssl "waqiti_users",postgres,template1 "postgres" all scram-sha-256'
    assert 'hostssl replication "waqiti_user_migration" all scram-sha-256' in lines


def test_both_configurations_of_a_gateway_share_all_but_where_they_lead() -> None:
    found = gateway_files.files(PROPS)
    source, target = found["source.ini"], found["target.ini"]
    assert "host='postgres-shared' port='5432' dbname='waqiti' user='user_shared'" in source
    assert "host='db-rw.waqiti-prod-user.svc' port='5432' dbname='waqiti_users'" in target
    for one in (source, target):
        assert one.endswith("%include /etc/gateway/common.ini\n")
        assert "password=" not in one
    assert "server_tls_ca_file = /etc/gateway/source-ca.crt" in source
    assert "server_tls_ca_file = /etc/gateway-tls/ca/ca.crt" in target


def test_the_console_is_for_where_the_stack_is_administered() -> None:
    lines = gateway_files.hba_lines(PROPS)
    assert [line for line in lines if "pgbouncer" in line] == [
        'hostssl pgbouncer "gateway_admin" 10.99.0.1/32 scram-sha-256'
    ]
    assert lines[-1] == "host all all 0.0.0.0/0 reject"


def test_the_link_is_made_of_named_objects_in_the_namespace() -> None:
    made = link.manifests("ns", {}, host="shared", address="10.99.0.1", port=5432, node_port=30433)
    assert link.objects(made) == [
        ("Service", "shared"),
        ("EndpointSlice", "shared-shared"),
        ("NetworkPolicy", "link"),
        ("Service", "way-back"),
    ]
    assert made[-1]["spec"]["externalTrafficPolicy"] == "Local"
    without = link.manifests("ns", {}, host="shared", address="10.99.0.1", port=5432, node_port=None)
    assert link.objects(without) == link.objects(made)[:-1]


def test_a_subscription_finds_the_shared_database_by_its_service() -> None:
    followers = settings().source_endpoint.followers
    assert followers is not None
    assert (followers.host, followers.address) == ("postgres-shared", None)
    assert followers.sslrootcert == SOURCE_AUTHORITY_IN_POD
