"""The programs beside this file, built once into the cache, and started against an endpoint."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from components.contract import Endpoint, Login
from servers.paths import cache_dir
from tests.support.absence import absent

HERE = Path(__file__).parent
SECONDS_TO_BUILD = 600


@dataclass(frozen=True)
class Driver:
    """A driver as an application uses it."""

    name: str
    command: Callable[[], list[str]]
    url: str
    """With `{at}` for user, password, address and database, or for Java `{where}` without the first two."""
    driver: str = ""
    safe: str = ""
    """Behind the URL where statements must not be prepared."""


@dataclass(frozen=True)
class Outcome:
    """What a program counted."""

    acknowledged: int
    failed: list[str]
    longest_ms: float


@dataclass(frozen=True)
class Running:
    """A program at work."""

    name: str
    process: subprocess.Popen[str]
    stop: Path

    def end(self) -> Outcome:
        """Have it stop, and what it counted. Fails the test with what it said where it counted nothing."""
        self.stop.touch()
        said, complaints = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, f"{self.name}: {complaints[-2000:]}"
        return Outcome(**json.loads(said.splitlines()[-1]))

    def kill(self) -> None:
        """Where a test ends without its outcome."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def start(
    driver: Driver, endpoint: Endpoint, login: Login, folder: Path, *, prepared: bool, rest_ms: int = 50
) -> Running:
    """Start a program. With `prepared` False it has the settings for a PgBouncer before 1.22."""
    where = f"{endpoint.address}:{endpoint.port}/{endpoint.database}"
    password = login.password.get_secret_value()
    url = driver.url.format(at=f"{login.name}:{quote(password)}@{where}", where=where)
    stop = folder / f"stop-{driver.name}-{endpoint.port}"
    process = subprocess.Popen(
        driver.command(),
        env={
            **os.environ, "CLIENT_URL": url if prepared else f"{url}{driver.safe}", "CLIENT_USER": login.name,
            "CLIENT_PASSWORD": password, "CLIENT_DRIVER": driver.driver, "CLIENT_NAME": driver.name,
            "CLIENT_PREPARE": "yes" if prepared else "no", "CLIENT_STOP": str(stop),
            "CLIENT_REST_MS": str(rest_ms),
        },
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    return Running(driver.name, process, stop)


def _python() -> list[str]:
    return [sys.executable, str(HERE / "python" / "client.py")]


def _java() -> list[str]:
    made = _built("java", {"mvn": "maven", "java": "openjdk-17-jdk-headless"}, [
        "mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DskipTests",
    ])  # fmt: skip
    path = f"{made}/target/client-1.jar:{made}/target/dependency/*"
    return ["java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", path, "Client"]


def _django() -> list[str]:
    return [sys.executable, str(python_packages().parent / "client.py")]


def python_packages() -> Path:
    """The folder with those of `python/requirements.txt`, which the project's own environment has not."""
    install = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
        "--only-binary=:all:", "--target", "packages", "-r", "requirements.txt",
    ]  # fmt: skip
    return _built("python", {}, install) / "packages"


def _node() -> list[str]:
    return ["node", str(node_packages().parent / "client.js")]


def node_packages() -> Path:
    """The folder with those of `node/package-lock.json`."""
    install = ["npm", "ci", "--no-audit", "--no-fund"]
    return _built("node", {"npm": "npm", "node": "nodejs"}, install) / "node_modules"


def _go() -> list[str]:
    return [str(_built("go", {"go": "golang 1.23"}, ["go", "build", "-o", "client", "."]) / "client")]


def _built(language: str, needed: Mapping[str, str], command: list[str]) -> Path:
    """The folder of a built program: of these sources, and built once."""
    for program, package in needed.items():
        if shutil.which(program) is None:
            absent(f"no {program} to try {language}'s drivers with: install {package}")
    sources = sorted(path for path in (HERE / language).rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    made = cache_dir() / "clients" / f"{language}-{digest}"
    if not made.exists():
        fresh = made.with_name(f".{made.name}.{os.getpid()}")
        shutil.copytree(HERE / language, fresh)
        done = subprocess.run(
            command, cwd=fresh, capture_output=True, text=True, timeout=SECONDS_TO_BUILD, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
        try:
            fresh.rename(made)
        except OSError:  # another worker was quicker
            shutil.rmtree(fresh)
    return made


DRIVERS = (
    Driver("asyncpg", _python, "postgresql://{at}", "asyncpg"),
    Driver("psycopg", _python, "postgresql://{at}?sslmode=disable", "psycopg"),
    Driver(
        "sqlalchemy", _python, "postgresql+asyncpg://{at}", "sqlalchemy", "?prepared_statement_cache_size=0"
    ),
    Driver("pgjdbc", _java, "jdbc:postgresql://{where}?sslmode=disable", "", "&prepareThreshold=0"),
    Driver("node-postgres", _node, "postgresql://{at}", "pg"),
    Driver("postgres.js", _node, "postgresql://{at}", "postgres"),
    Driver("django", _django, "postgresql://{at}", "django"),
    Driver("knex", _node, "postgresql://{at}", "knex"),
    Driver("typeorm", _node, "postgresql://{at}", "typeorm"),
    Driver("pgx", _go, "postgresql://{at}?sslmode=disable", "pgx", "&default_query_exec_mode=exec"),
    # Its default sends a statement and its values in two turns, between which a transaction pooler may give
    # the connection to somebody else, whatever its version.
    Driver("lib-pq", _go, "postgresql://{at}?sslmode=disable&binary_parameters=yes", "pq"),
)
