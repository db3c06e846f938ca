"""The workflows of a pull request, their steps run for real: two revisions, a page, one comment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from core.errors import ChangeRefused, GitHubFailed
from servers import paths
from tests.support.absence import absent
from tests.support.folders import own_folder
from tests.support.github import GitHub, Runner, github
from tests.support.places import REPOSITORY

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

TOKEN = "a-token-of-this-run"
NUMBER = 17
MARK = "<!-- waqiti preview of dev -->"
SERVICES = ("payment", "wallet", "notification")


@dataclass
class PullRequest:
    """A repository with a base and what is pushed on it."""

    repository: Path
    folder: Path
    server: GitHub
    base: str

    def push(self, change: dict[str, dict[str, object]]) -> str:
        """A commit on the base: by service, keys of its `resources` in services.yaml, or {} for one that
        leaves. Returns the commit, which the pull request is then at."""
        self._git("checkout", "-q", self.base)
        path = self.repository / "services.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for service, resources in change.items():
            if resources:
                document["services"][service]["resources"] |= resources
            else:
                del document["services"][service]
                _deploy(self.repository, *(name for name in SERVICES if name != service))
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        self._git("commit", "-q", "--allow-empty", "-am", "change")
        head = self.server.heads[NUMBER] = self._git("rev-parse", "HEAD")
        return head

    def previewed(self, head: str) -> list[subprocess.CompletedProcess[str]]:
        """Both workflows, as GitHub would start them; the results of their `run` steps."""
        folder = self.folder / head
        event = {
            "event": {"pull_request": {"number": NUMBER, "base": {"sha": self.base}}},
            "sha": head,
        }
        first = self._runner(folder, "preview", {"github": event, "matrix": {"stack": "dev"}}, {})
        done = first.run(self.workflow("preview"), "declared", skip=("script/bootstrap",))
        event = {"event": {"workflow_run": {"id": 1, "head_sha": head}}, "token": TOKEN, "sha": self.base}
        second = self._runner(folder, "comment", {"github": event}, {"GITHUB_API_URL": self.server.url})
        return done + second.run(self.workflow("preview-comment"), "comment")

    def workflow(self, name: str) -> Path:
        return self.repository / ".github" / "workflows" / f"{name}.yml"

    def comments(self) -> list[str]:
        return [one["body"] for one in self.server.comments.get(NUMBER, [])]

    def _runner(self, folder: Path, name: str, contexts: dict[str, object], more: dict[str, str]) -> Runner:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.endswith("_PASSWORD")},
            "GITHUB_REPOSITORY": "waqiti/databases",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **more,
        }
        workspace = folder / name
        folder.mkdir(exist_ok=True)
        return Bootstrapped(self.repository, workspace, folder / "artifacts", contexts, environment)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.repository), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


class Bootstrapped(Runner):
    """A checkout that has the environment which script/bootstrap has made already."""

    def _uses(self, action: str, given: dict[str, object]) -> None:  # type: ignore[override]
        super()._uses(action, given)
        if action == "actions/checkout":
            (self.workspace / ".venv").symlink_to(REPOSITORY / ".venv")


@pytest.fixture(scope="module")
def pull_request() -> Iterator[PullRequest]:
    folder = own_folder()
    repository = folder / "repository"
    # Files as they are here, committed or not, so that what is tested is what was changed.
    listed = subprocess.run(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    repository.mkdir()
    for name in filter(None, listed):
        source = REPOSITORY / os.fsdecode(name)
        if source.is_file():
            target = repository / os.fsdecode(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode & 0o777)
    _deploy(repository, *SERVICES)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(repository), *command], check=True)
    with github(TOKEN) as server:
        request = PullRequest(repository, folder, server, "HEAD")
        request._git("commit", "-q", "-m", "base")
        request.base = request._git("rev-parse", "HEAD")
        yield request
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_change_is_shown_in_one_comment_that_is_edited(pull_request: PullRequest) -> None:
    stranger = pull_request.server.write(NUMBER, f"{MARK}\nnot ours", bot=False)
    for _ in range(120):
        pull_request.server.write(NUMBER, "of another bot", bot=True)
    before = len(pull_request.comments())
    first = pull_request.previewed(pull_request.push({"payment": {"sharedBuffers": "768MB"}}))
    assert [one.returncode for one in first] == [0, 0], _said(first)
    assert len(pull_request.comments()) == before + 1
    assert "| payment | `shared_buffers` 64MB → 96MB" in pull_request.comments()[-1]
    assert "**restart**" in pull_request.comments()[-1]
    second = pull_request.previewed(pull_request.push({"wallet": {"maxConnections": 140}}))
    assert [one.returncode for one in second] == [0, 0], _said(second)
    assert len(pull_request.comments()) == before + 1, "edited, not repeated"
    assert "wallet" in pull_request.comments()[-1]
    assert "payment" not in pull_request.comments()[-1]
    assert stranger["body"] == f"{MARK}\nnot ours"
    assert TOKEN not in _said(first) + _said(second)


def test_a_no_go_fails_the_run_and_is_shown_all_the_same(pull_request: PullRequest) -> None:
    head = pull_request.push({"notification": {}})
    done = pull_request.previewed(head)
    assert [one.returncode for one in done] == [ChangeRefused.exit_code, 0], _said(done)
    assert "NO-GO" in pull_request.comments()[-1]
    assert "NO-GO" in (pull_request.folder / head / "summary.md").read_text(encoding="utf-8")


def test_a_page_of_another_head_or_of_another_make_is_not_shown(pull_request: PullRequest) -> None:
    head = pull_request.push({})
    shown = pull_request.comments()
    for number, page in ((NUMBER + 1, f"{MARK}\nforged"), (NUMBER, "no mark\n")):
        pull_request.server.heads[NUMBER + 1] = "f" * 40
        folder = pull_request.folder / f"forged-{number}"
        folder.mkdir()
        (folder / "number").write_text(str(number))
        (folder / "page.md").write_text(page)
        done = subprocess.run(
            ["python3", "-m", "operations.preview.comment", "--head", head, str(folder)],
            cwd=pull_request.repository, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "waqiti/databases",
                 "GITHUB_API_URL": pull_request.server.url},
        )  # fmt: skip
        assert done.returncode == GitHubFailed.exit_code, done.stdout + done.stderr
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
    assert pull_request.comments() == shown


def test_actionlint_finds_nothing_in_the_workflows() -> None:
    program = paths.cache_dir() / "actionlint" / "actionlint"
    if not program.is_file():
        absent("actionlint is not built: run script/bootstrap --for-tests")
    done = subprocess.run([str(program)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def _deploy(repository: Path, *services: str) -> None:
    path = repository / "Pulumi.dev.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["config"]["waqiti:services"] = list(services)
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def _said(done: list[subprocess.CompletedProcess[str]]) -> str:
    return "".join(one.stdout + one.stderr for one in done)
