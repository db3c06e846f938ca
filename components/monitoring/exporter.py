"""PostgreSQL's exporter of one service: what it is started with. Pure.

https://github.com/prometheus-community/postgres_exporter: its flags and variables.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from components.contract import WatchedService

FLAGS = (
    # Series by table, by role and by setting: many, and neither an alarm nor a panel uses them.
    "--disable-default-metrics",
    "--disable-settings-metrics",
    "--no-collector.roles",
    "--no-collector.locks",
    "--no-collector.stat_user_tables",
    "--no-collector.statio_user_tables",
    "--no-collector.replication",
    "--no-collector.replication_slot",
    "--collector.database_wraparound",
    "--collector.stat_checkpointer",
    "--collector.postmaster",
    "--log.level=warn",
)


_HERE = Path(__file__).parent


def queries(watched: WatchedService) -> str:
    """What it asks beyond its own collectors; where there is a business query, that, too."""
    names = ("queries.yaml", *(["business.yaml"] if watched.business else []))
    return "".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def arguments(watched: WatchedService, address: str, queries: Path) -> list[str]:
    """After the program's name."""
    return [
        f"--web.listen-address={address}:{watched.exporter_port}",
        f"--extend.query-path={queries}",
        *FLAGS,
    ]


def variables(watched: WatchedService, password_file: Path) -> dict[str, str]:
    """Its environment: the password is in a file. By address, which the certificate carries, too: this
    driver has no `hostaddr`."""
    instance = watched.instance
    words = {
        "sslmode": instance.sslmode,
        **({"sslrootcert": instance.sslrootcert} if instance.sslrootcert else {}),
        "connect_timeout": "5",
        "application_name": "waqiti-monitoring",
    }
    where = f"{instance.address or instance.host}:{instance.port}/{instance.database}"
    return {
        "DATA_SOURCE_URI": f"{where}?{urlencode(words)}",
        "DATA_SOURCE_USER": watched.role,
        "DATA_SOURCE_PASS_FILE": str(password_file),
    }
