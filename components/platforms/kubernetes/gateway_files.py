"""The files of a gateway's pods: a whole configuration for each way; `route` names the one it begins with.

PgBouncer's `%include` has the rest of the section in which it stands, so that the two differ in where they
lead and in whom they trust there. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.contract import ddl_database
from components.platforms.kubernetes.manifests import GATEWAY_FOLDER, TLS_FOLDER
from components.platforms.local.gateway import (
    ADMINISTRATOR,
    SERVER_TLS,
    SETTINGS,
    admitted_logins,
    route_to_source,
    users,
)
from servers.pgbouncer import users_text
from servers.pgbouncer_routes import DdlRoute, Route, routes_text

SOURCE_AUTHORITY = "source-ca.crt"


def files(props: Mapping[str, Any]) -> dict[str, str]:
    """Name to content. `props` are those of `components.platforms.local.gateway`, with `instance` (host and
    port), `administration` (networks that reach the console) and `source_authority` (a CA's certificate)."""
    settings = {
        **SETTINGS,
        "listen_addr": "*",
        "listen_port": str(props["port"]),
        "unix_socket_dir": "/run/gateway",
        "auth_type": "hba",
        "auth_hba_file": f"{GATEWAY_FOLDER}/hba.conf",
        "auth_file": f"{GATEWAY_FOLDER}/users.txt",
        "client_tls_cert_file": f"{TLS_FOLDER}/server/tls.crt",
        "client_tls_key_file": f"{TLS_FOLDER}/server/tls.key",
        # No client shows a certificate, but without a CA to check it by PgBouncer 1.24 asks for the system's.
        "client_tls_ca_file": f"{TLS_FOLDER}/ca/ca.crt",
        **props["settings"],
    }
    given = props.get("source_authority") or ""
    return {
        "source.ini": _way(
            route_to_source(props),
            SERVER_TLS[props["source"]["sslmode"]],
            f"{GATEWAY_FOLDER}/{SOURCE_AUTHORITY}" if given else None,
        ),
        "target.ini": _way(route_to_target(props), "verify-full", f"{TLS_FOLDER}/ca/ca.crt"),
        "common.ini": "".join(f"{key} = {one}\n" for key, one in sorted(settings.items())),
        "hba.conf": "".join(f"{line}\n" for line in hba_lines(props)),
        "users.txt": users_text(users(props)),
        **({SOURCE_AUTHORITY: given} if given else {}),
    }


def route_to_target(props: Mapping[str, Any]) -> Route:
    """Where the gateway leads once the service has moved; role and path come from the login."""
    return Route(
        database=props["database"],
        leads_to="target",
        host=props["instance"]["host"],
        port=int(props["instance"]["port"]),
        dbname=props["database"],
        user=props["service_role"],
        ddl=DdlRoute(ddl_database(props["database"]), props["ddl_role"]),
    )


def hba_lines(props: Mapping[str, Any]) -> Sequence[str]:
    """The service's roles over TLS, whoever gets as far as this; the console from where the stack is
    administered; nobody else."""
    return [
        *(
            f'hostssl "{database}" "{role}" 0.0.0.0/0 scram-sha-256'
            for database, role in admitted_logins(props)
        ),
        *(f'hostssl pgbouncer "{ADMINISTRATOR}" {one} scram-sha-256' for one in props["administration"]),
        "local all all reject",
        "host all all 0.0.0.0/0 reject",
    ]


def _way(route: Route, mode: str, authority: str | None) -> str:
    trusted = "" if authority is None else f"server_tls_ca_file = {authority}\n"
    return (
        f"{routes_text(route, f'{route.leads_to}.ini')}[pgbouncer]\n"
        f"server_tls_sslmode = {mode}\n{trusted}%include {GATEWAY_FOLDER}/common.ini\n"
    )
