"""Alembic, Django, Knex and TypeORM, from their registries, as a deploy of a service would run them.

Each has six deploys in `schema_tools/NAME`, a migration each. Deploy `n` brings the first n, of which the
last is pending.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from components.contract import Login, Service
from tests.clients.programs import node_packages, python_packages

HERE = Path(__file__).parent / "schema_tools"
DEPLOYS = 6
SECONDS = 300


@dataclass(frozen=True)
class Tool:
    """A tool of schema migrations, with its default settings."""

    name: str
    migrations: str
    """Its folder of migrations, below its own."""
    command: Callable[[Path], list[str]]
    """With the folder that it runs in."""

    def deploy(self, number: int, service: Service, folder: Path) -> str:
        """Through the service's endpoint, with its login of schema migrations. Returns what it said; fails
        the test where it did not succeed."""
        own = folder / f"{self.name}-{number}"
        shutil.copytree(HERE / self.name, own)
        for migration in (own / self.migrations).glob("0*"):
            if int(migration.stem) > number:
                migration.unlink()
        done = subprocess.run(
            self.command(own), cwd=own, env={**os.environ, **_environment(), "SCHEMA_URL": _url(service)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"{self.name}, deploy {number}: {said[-3000:]}"
        return said


def _environment() -> dict[str, str]:
    return {
        "PYTHONPATH": str(python_packages()), "NODE_PATH": str(node_packages()),
        "DJANGO_SETTINGS_MODULE": "settings", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def _url(service: Service) -> str:
    end, login = service.endpoint, service.ddl
    assert isinstance(login, Login), "the stack has no login of schema migrations"
    password = quote(login.password.get_secret_value(), safe="")
    return f"postgresql://{login.name}:{password}@{end.address}:{end.port}/{service.ddl_database}"


def _node(folder: Path, program: str, *arguments: str) -> list[str]:
    return ["node", str(node_packages() / program), *arguments]


TOOLS = (
    Tool("alembic", "versions", lambda _: [sys.executable, "-m", "alembic", "upgrade", "head"]),
    Tool("django", "shop/migrations", lambda _: [sys.executable, "-m", "django", "migrate"]),
    Tool("knex", "migrations", lambda at: _node(at, "knex/bin/cli.js", "migrate:latest")),
    Tool(
        "typeorm",
        "migrations",
        lambda at: _node(at, "typeorm/cli.js", "migration:run", "-d", "data-source.js"),
    ),
)
