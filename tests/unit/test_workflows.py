"""What every workflow keeps to: actions pinned by commit, the least rights, no secret for a fork's code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
MAY_WRITE = {("preview-comment", "comment"): {"pull-requests"}}


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request: pytest.FixtureRequest) -> tuple[str, dict[Any, Any]]:
    path: Path = request.param
    return path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))


def test_actions_are_pinned_by_commit(workflow: tuple[str, dict[Any, Any]]) -> None:
    used = [step["uses"] for job in workflow[1]["jobs"].values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", one) for one in used), used


def test_a_job_may_write_only_what_it_is_for(workflow: tuple[str, dict[Any, Any]]) -> None:
    name, document = workflow
    common = document.get("permissions")
    assert common is not None, "without a line of its own it has what the repository gives"
    for job, content in document["jobs"].items():
        rights = content.get("permissions", common)
        written = {key for key, value in rights.items() if value == "write"}
        assert written == MAY_WRITE.get((name, job), set())


def test_a_checkout_leaves_no_credentials_behind(workflow: tuple[str, dict[Any, Any]]) -> None:
    for job in workflow[1]["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_forks_code_meets_no_secret(workflow: tuple[str, dict[Any, Any]]) -> None:
    _, document = workflow
    # PyYAML reads the key `on` as true.
    triggers = document[True] if True in document else document["on"]
    assert "pull_request_target" not in triggers
    for job in document["jobs"].values():
        if "secrets." in str(job):
            assert "head.repo.full_name == github.repository" in job.get("if", "")


def test_what_a_pull_request_says_reaches_a_shell_as_a_variable(workflow: tuple[str, dict[Any, Any]]) -> None:
    commands = [step["run"] for job in workflow[1]["jobs"].values() for step in job["steps"] if "run" in step]
    assert not any("${{" in command for command in commands), commands
