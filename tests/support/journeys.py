"""A new user's way with their own database: `init`, what it prints pasted as it is, a stack, the verbs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import sql

from components.contract import Contract
from core.sessions.connections import Database
from core.sessions.stack import endpoint_database
from tests.support.answers import Answer, answers
from tests.support.clusters import SUPERUSER, Cluster
from tests.support.folders import own_folder
from tests.support.places import REPOSITORY

SECONDS = 600
_UNDECIDED = re.compile(r" *# (- match:|  action:|  reason:|crossing:)")


@dataclass
class Journey:
    """One database, one folder, one stack named `dev`."""

    source: Database
    folder: Path
    application_password: str
    printed: dict[str, Any] = field(default_factory=dict)
    """What `init --json` printed."""

    @property
    def own(self) -> Path:
        """Where `init` writes to."""
        return self.folder / "own"

    @property
    def catalogue(self) -> Path:
        return self.own / "services.yaml"

    def environment(self) -> dict[str, str]:
        """Nothing of this user's: another home, other credentials, another state folder."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PULUMI_", "PG", "SOURCE_")) and not key.endswith("_DB_PASSWORD")
        }
        return {
            **inherited,
            "HOME": str(self.folder / "home"),
            "PULUMI_CREDENTIALS_PATH": str(self.folder / "credentials"),
            "PULUMI_SKIP_CHECKPOINTS": "1",
            "WAQITI_STATE_DIR": str(self.folder / "state"),
            "SOURCE_DB_ADMIN_PASSWORD": SUPERUSER.password.get_secret_value(),
            "SOURCE_DB_PASSWORD": self.application_password,
            "NO_COLOR": "1",
        }

    def shell(self, *commands: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run commands as they would be pasted into bash; a failing one ends it, and the test."""
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(commands)],
            cwd=REPOSITORY,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def init(self, *arguments: str) -> None:
        """Draft the catalogue."""
        end = self.source.endpoint
        url = f"postgresql://{SUPERUSER.name}@{end.host}:{end.port}/{end.database}?hostaddr={end.address}"
        if end.sslrootcert:
            url += f"&sslmode={end.sslmode}&sslrootcert={end.sslrootcert}"
        words = ("init", "--source", f"'{url}'", "--out", str(self.own), "--json", *arguments)
        done = self.shell(". script/env", f"python -m migration {' '.join(words)}")
        self.printed = json.loads(done.stdout)

    def paste_lacks(self) -> bool:
        """What the server lacks, statement by statement; returns whether it has to be restarted."""
        for lack in self.printed["lacks"]:
            self.execute(*lack["statements"])
        return any(lack["restart"] for lack in self.printed["lacks"])

    def decide(self) -> None:
        """Take the `# ` off whatever is undecided, as the file says."""
        lines = [
            line.replace("# ", "", 1) if _UNDECIDED.match(line) else line
            for line in self.catalogue.read_text(encoding="utf-8").splitlines()
        ]
        self.catalogue.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def block(self, word: str) -> list[str]:
        """The commands of the printed block that has `word` in it."""
        return next(
            block["commands"]
            for block in self.printed["next"]
            if any(word in command for command in block["commands"])
        )

    def up(self) -> None:
        """Pulumi's part of the printed commands."""
        self.shell(*self.block("SOURCE_DB_PASSWORD"), *self.block("pulumi login"), *self.block("pulumi up"))

    def verb(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A verb of the migration, in the folder and against the stack that were printed."""
        login = [one for one in self.block("pulumi login") if "pulumi" not in one or "export" in one]
        return self.shell(*login, f"python -m migration {' '.join(words)}", check=check)

    def contract(self) -> Contract:
        """What the stack exports."""
        words = "pulumi stack output contract --json --show-secrets --stack dev"
        login = [one for one in self.block("pulumi login") if "pulumi" not in one or "export" in one]
        return Contract.model_validate_json(self.shell(*login, words).stdout)

    def execute(self, *statements: str) -> None:
        """As a superuser in the shared database."""
        with self.source.connect() as connection:
            for one in statements:
                connection.execute(one.encode())

    def throw_away(self) -> None:
        """The stack with its data, whatever became of it."""
        if not (self.own / "Pulumi.dev.yaml").exists() or not self.printed:
            return
        login = [one for one in self.block("pulumi login") if "pulumi" not in one or "export" in one]
        self.shell(
            *login,
            "pulumi state unprotect --all --yes --stack dev || true",
            "pulumi destroy --yes --skip-preview --stack dev",
            check=False,
        )


def throwaway(journey: Journey) -> None:
    """Have the stack's data go with it: a test's, unlike a company's, is of no value."""
    file = journey.own / "Pulumi.dev.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("config:\n", "config:\n  waqiti:keepData: false\n  waqiti:protectData: false\n", 1),
        encoding="utf-8",
    )


def seen(contract: Contract, service: str, statements: Sequence[str]) -> list[Answer]:
    """What the service's applications are answered at its endpoint."""
    return answers(endpoint_database(contract.services[service]), statements)


@contextmanager
def journey(cluster: Cluster, database: str, locale: str, application_password: str) -> Iterator[Journey]:
    """A new database on the cluster, and a folder that goes away with the stack in it."""
    folder = own_folder()
    for name in ("home", "credentials", "state"):
        (folder / name).mkdir()
    with cluster.database().connect() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 LOCALE {}").format(
                sql.Identifier(database), sql.Literal(locale)
            )
        )
    made = Journey(cluster.database(database), folder, application_password)
    try:
        yield made
    finally:
        made.throw_away()
        shutil.rmtree(folder, ignore_errors=True)
