"""GitHub for a test: a server of this machine that plays the part of its API that comments need; a runner
that carries out a workflow's steps."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

_A_PAGE = 30


@dataclass
class GitHub:
    """What the server holds, and was asked."""

    token: str
    heads: dict[int, str] = field(default_factory=dict)
    """Pull requests, with the commit that each is at."""
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def write(self, number: int, body: str, *, bot: bool) -> dict[str, Any]:
        """A comment, as GitHub shows it."""
        identity = 1 + sum(len(some) for some in self.comments.values())
        kind = "Bot" if bot else "User"
        made = {"id": identity, "body": body, "user": {"type": kind}, "html_url": f"{self.url}/#{identity}"}
        self.comments.setdefault(number, []).append(made)
        return made

    def answer(self, method: str, path: str, content: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON."""
        where, _, query = path.partition("?")
        if found := re.fullmatch(r"/repos/waqiti/databases/pulls/(\d+)", where):
            return 200, {"head": {"sha": self.heads[int(found[1])]}}
        if found := re.fullmatch(r"/repos/waqiti/databases/issues/(\d+)/comments", where):
            number = int(found[1])
            if method == "POST":
                return 201, self.write(number, content["body"], bot=True)
            wanted = dict(pair.split("=") for pair in query.split("&") if pair)
            size, page = int(wanted.get("per_page", _A_PAGE)), int(wanted.get("page", 1))
            return 200, self.comments.get(number, [])[(page - 1) * size : page * size]
        if found := re.fullmatch(r"/repos/waqiti/databases/issues/comments/(\d+)", where):
            one = next(one for some in self.comments.values() for one in some if one["id"] == int(found[1]))
            one["body"] = content["body"]
            return 200, one
        return 404, {"message": "Not Found"}


@contextmanager
def github(token: str) -> Iterator[GitHub]:
    """The server, on loopback, for as long as the test needs it."""
    state = GitHub(token)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(length)) if length else {}
            state.asked.append(f"{self.command} {self.path.partition('?')[0]}")
            if self.headers.get("Authorization") != f"Bearer {state.token}":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                status, answer = state.answer(self.command, self.path, content)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the server's names

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Runner:
    """Carries out the steps of a job: `run` by the shell, `uses` by what such an action does to files."""

    repository: Path
    """What is checked out."""
    workspace: Path
    artifacts: Path
    contexts: Mapping[str, Any]
    """`github`, `matrix`, `vars`, `secrets`, as `${{ }}` names them."""
    environment: Mapping[str, str]

    def run(
        self, workflow: Path, job: str, skip: tuple[str, ...] = ()
    ) -> list[subprocess.CompletedProcess[str]]:
        """The results of the job's `run` steps up to the first that failed; `!cancelled()` steps come after.
        `skip` are commands that this machine has done already."""
        done: list[subprocess.CompletedProcess[str]] = []
        document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        for step in document["jobs"][job]["steps"]:
            failed = any(one.returncode for one in done)
            if failed and "cancelled()" not in str(step.get("if", "")):
                continue
            if "uses" in step:
                self._uses(step["uses"].partition("@")[0], step.get("with") or {})
            elif step["run"] not in skip:
                variables = {
                    name: self._filled(str(value)) for name, value in (step.get("env") or {}).items()
                }
                done.append(self._shell(step["run"], variables))
        return done

    def _uses(self, action: str, given: Mapping[str, Any]) -> None:
        path = self._filled(str(given.get("path", "")))
        if action == "actions/checkout":
            subprocess.run(["git", "clone", "-q", self.repository, self.workspace], check=True)
            head = self.contexts["github"].get("sha")
            if head:
                subprocess.run(["git", "-C", self.workspace, "checkout", "-q", head], check=True)
        elif action == "actions/upload-artifact":
            if (self.workspace / path).is_dir():
                shutil.copytree(self.workspace / path, self.artifacts / self._filled(given["name"]))
        elif action == "actions/download-artifact":
            for one in self.artifacts.glob(given["pattern"]):
                shutil.copytree(one, self.workspace / path / one.name)
        else:
            raise AssertionError(f"no such action here: {action}")

    def _shell(self, script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.workspace,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{\{\s*([a-z_.A-Z]+)\s*\}\}", lambda found: str(self._value(found[1])), text)

    def _value(self, name: str) -> Any:
        value: Any = self.contexts
        for part in name.split("."):
            value = value.get(part, "") if isinstance(value, Mapping) else ""
        return value
