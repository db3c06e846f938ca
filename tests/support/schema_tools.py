"""The real Flyway and Liquibase, from their registry, as a deploy would run them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from components.contract import Login, Service
from servers import paths
from tests.support.absence import absent

POM = Path(__file__).parents[1] / "clients" / "schema_tools" / "pom.xml"
SECONDS = 120


@dataclass(frozen=True)
class SchemaTools:
    """Runs them as one service's deploys do: through its endpoint, with the login of schema migrations."""

    url: str
    login: Login
    folder: Path

    def flyway(
        self, scripts: Mapping[str, str], *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """`flyway migrate` with these files of migrations (their names to their texts)."""
        folder = self._write("flyway", scripts)
        return self._run(
            "org.flywaydb.commandline.Main",
            f"-url={self.url}",
            f"-user={self.login.name}",
            f"-locations=filesystem:{folder}",
            f"-password={self.login.password.get_secret_value()}",
            "-baselineOnMigrate=true",
            "-baselineVersion=0",
            *arguments,
            "migrate",
            check=check,
        )

    def liquibase(self, changelog: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`liquibase update` with this changelog of formatted SQL."""
        folder = self._write("liquibase", {"changelog.sql": changelog})
        return self._run(
            "liquibase.integration.commandline.LiquibaseCommandLine",
            f"--url={self.url}",
            f"--username={self.login.name}",
            f"--search-path={folder}",
            f"--password={self.login.password.get_secret_value()}",
            "--changelog-file=changelog.sql",
            "update",
            check=check,
        )

    def _write(self, name: str, files: Mapping[str, str]) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    def _run(self, main: str, *arguments: str, check: bool) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{_jars()}/*", main, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done


def schema_tools(service: Service, folder: Path) -> SchemaTools:
    """Those of a service. The test is skipped, or fails in CI, where Java or Maven is missing."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            absent(f"{program} is not installed: apt-get install default-jre-headless maven")
    endpoint = service.endpoint
    assert service.ddl is not None, "the stack has no login of schema migrations"
    # pgjdbc resolves the host by itself, so that the address stands for it and the name is not compared.
    tls = (
        f"sslmode=verify-ca&sslrootcert={quote(endpoint.sslrootcert)}"
        if endpoint.sslrootcert
        else f"sslmode={endpoint.sslmode}"
    )
    url = f"jdbc:postgresql://{endpoint.address}:{endpoint.port}/{service.ddl_database}?{tls}"
    return SchemaTools(url, service.ddl, folder)


def _jars() -> Path:
    """Fetched once, into the cache."""
    key = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    folder = paths.cache_dir() / "schema-tools" / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            subprocess.run(
                ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies",
                 f"-DoutputDirectory={folder}"],
                check=True, timeout=600, stdin=subprocess.DEVNULL, capture_output=True,
            )  # fmt: skip
            (folder / "complete").touch()
    return folder
