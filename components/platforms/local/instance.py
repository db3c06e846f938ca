"""The local platform's instance: a PostgreSQL process on loopback, with a data folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from components.platforms.provider import LocalProvider, require, require_free_port
from servers.errors import ServerError

if TYPE_CHECKING:
    from servers.postgres import PostgresServer

LOGGING: Mapping[str, str] = {
    # A file a weekday, so that an audit log of every statement cannot fill the disk for ever.
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_file_mode": "0600",
}
"""What the stack's own parameters may override."""


class InstanceProvider(LocalProvider):
    """initdb, start, reload or restart, stop. Data outlives a destroy when `keep_data`."""

    inputs = (
        "folder", "sockets", "binaries", "version", "address", "port", "database", "parameters",
        "administrator", "administrator_password", "roles", "replication_roles", "keep_data", "certificate",
    )  # fmt: skip
    replaced_by = ("folder",)

    def validate(self, known: Mapping[str, Any]) -> None:
        if not require(known, ("binaries", "version", "folder")):
            return
        from servers import binaries

        folder, version = Path(known["binaries"]), int(known["version"])
        found = binaries.postgres_version(folder)
        if found != version:
            raise ServerError(
                f"is PostgreSQL {found}, not {version}",
                where=str(folder),
                to_do="correct postgresBin or postgresVersion",
            )
        if not binaries.supports_tls(folder):
            raise ServerError(
                f"this PostgreSQL {version} was built without TLS, which every instance needs",
                where=str(folder),
                to_do="set postgresVersion to 17, or postgresBin to one built with OpenSSL",
            )
        data = _server(known).version() if require(known, ("port", "address", "sockets")) else None
        if data not in (None, version):
            raise ServerError(
                f"was made by PostgreSQL {data}, but {version} was to start on it",
                where=f"{known['folder']}/data",
                to_do=f"set postgresVersion to {data}, or move the folder away and migrate its data",
            )

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Makes the data folder, or adopts one of the same version that an earlier destroy kept."""
        from servers import settings

        server, administrator = _server(props), props["administrator"]
        if not server.is_running():
            require_free_port({}, props)
        if server.version() is None:
            server.initialise(administrator, props["administrator_password"])
            adopted = False
        else:
            server.allow_administrators(administrator)
            adopted = True
        changed = server.configure(_parameters(props), hba_lines(props))
        if server.is_running():
            settings.bring_into_force(server, administrator, changed, _parameters(props))
        server.start()
        if adopted:
            settings.set_password(server, administrator, props["administrator_password"])
        return CreateResult(Path(props["folder"]).name, self._outputs(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What `pulumi refresh` shows: whether it runs, and every parameter that is not as it was set."""
        from servers import settings

        server = _server(props)
        if server.version() is None:
            return ReadResult(None, {})
        outputs = {**self._outputs(props), "hba": server.hba(), "running": server.is_running()}
        if outputs["running"]:
            drifted = settings.drift(server, props["administrator"], _parameters(props))
            outputs["parameters"] = {**props["parameters"], **drifted}
        return ReadResult(id_, outputs)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Reloads, or restarts where pg_settings.context says so; starts what is stopped."""
        from servers import settings

        server, administrator = _server(_news), _news["administrator"]
        if server.version() is None:
            # Somebody removed the data: what an instance without data is made by.
            return UpdateResult(self.create(_news).outs)
        require_free_port(_olds, _news)
        server.allow_administrators(administrator)
        changed = server.configure(_parameters(_news), hba_lines(_news))
        if not server.is_running():
            server.start()
        elif _olds.get("binaries") != _news["binaries"]:
            server.restart()
        settings.bring_into_force(server, administrator, changed, _parameters(_news))
        if _olds.get("administrator_password") != _news["administrator_password"]:
            settings.set_password(server, administrator, _news["administrator_password"])
        return UpdateResult(self._outputs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Stops it; removes data, log and the gateway's route (which may lead here) unless `keep_data`."""
        server, folder = _server(_props), Path(_props["folder"])
        server.stop()
        if not _props["keep_data"]:
            server.destroy()
            shutil.rmtree(folder / "log", ignore_errors=True)
            (folder / "gateway" / "routes.ini").unlink(missing_ok=True)

    def needs_attention(self, props: Mapping[str, Any]) -> bool:
        server = _server(props)
        if not props.get("running") or not server.is_running():
            return True
        return server.hba() != hba_lines(props) or any(
            server.deviates(name, value) for name, value in _parameters(props).items()
        )

    def _outputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.kept(props), "hba": hba_lines(props), "running": True}


class LocalInstance(Resource, module="local", name="Instance"):
    """A service's PostgreSQL process."""

    running: pulumi.Output[bool]
    hba: pulumi.Output[list[str]]

    def __init__(self, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(InstanceProvider(), name, {**props, "running": None, "hba": None}, opts)


def hba_lines(props: Mapping[str, Any]) -> list[str]:
    """pg_hba.conf: this service's roles at its database and the administrator, over TLS from loopback;
    the operating system's administrator over the socket; nobody else."""
    address = f"{props['address']}/32"
    replication = list(props["replication_roles"])
    return [
        f"local all {_name(props['administrator'])} peer map=waqiti",
        f"hostssl all {_name(props['administrator'])} {address} scram-sha-256",
        *_admit(props["database"], [*props["roles"], *replication], address),
        *(f"hostssl replication {_name(role)} {address} scram-sha-256" for role in replication),
        "local all all reject",
        "host all all all reject",
        "host replication all all reject",
    ]


def _admit(database: str, roles: Iterable[str], address: str) -> list[str]:
    return [
        f"hostssl {_name(database)} {_name(role)} {address} scram-sha-256" for role in dict.fromkeys(roles)
    ]


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _parameters(props: Mapping[str, Any]) -> dict[str, str]:
    folder = Path(props["folder"])
    return {
        **LOGGING,
        "log_directory": str(folder / "log"),
        **props["parameters"],
        "ssl": "on",
        "ssl_cert_file": str(folder / "tls" / "server.crt"),
        "ssl_key_file": str(folder / "tls" / "server.key"),
    }


def _server(props: Mapping[str, Any]) -> PostgresServer:
    from servers.postgres import PostgresServer

    folder = Path(props["folder"])
    return PostgresServer(
        binaries=Path(props["binaries"]),
        data=folder / "data",
        port=int(props["port"]),
        sockets=Path(props["sockets"]),
        log=folder / "log" / "start.log",
        address=props["address"],
    )
