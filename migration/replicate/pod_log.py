"""The log of an instance on Kubernetes, as its pod has it: CloudNativePG writes a line of JSON a record.

https://cloudnative-pg.io/documentation/current/logging/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from components.contract import KubernetesLink
from servers.errors import ServerError
from servers.kubernetes_api import ClusterApi

PRIMARY = "cnpg.io/instanceRole=primary"
CONTAINER = "postgres"
LINES = 5000


def read_pod_log(link: KubernetesLink) -> str:
    """The end of what the primary in the link's namespace said, as a server's log has it; empty where it
    cannot be read."""
    api = ClusterApi(link.context, link.kubeconfig)
    with suppress(ServerError):
        for pod in api.listed("Pod", link.namespace, PRIMARY):
            return as_text(api.log(pod["metadata"]["name"], link.namespace, CONTAINER, LINES))
    return ""


def as_text(lines: str) -> str:
    """PostgreSQL's own records among the lines, with what they say of where. Pure."""
    return "".join(_text(record) for line in lines.splitlines() if (record := _record(line)) is not None)


def _record(line: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    record = found.get("record") if isinstance(found, dict) and found.get("logger") == "postgres" else None
    return record if isinstance(record, dict) else None


def _text(record: Mapping[str, Any]) -> str:
    at, severity = record.get("log_time", ""), record.get("error_severity", "LOG")
    begins = f"{at} [{record.get('process_id', '')}] "
    where = record.get("context")
    return f"{begins}{severity}:  {record.get('message', '')}\n" + (
        f"{begins}CONTEXT:  {where}\n" if where else ""
    )
