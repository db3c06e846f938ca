"""What is wrong with a Docker host or with the stack's settings for it: one line each, and nothing made."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.environment.docker_host import SUBNET, image_name, refuse_another_stack
from demo.errors import DemoError
from tests.acceptance.stack import Stack
from tests.support.docker_stacks import docker_host, docker_settings, variables
from tests.support.folders import own_folder

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1200)]

PREFIX = "waqiti:platform: docker"


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with docker_host() as found:
        yield found


@pytest.fixture(scope="module")
def stack(host: str) -> Iterator[Stack]:
    """A stack of one service that is not up."""
    folder = own_folder()
    (folder / "ca.crt").write_text("no server is asked\n")
    settings = {**docker_settings(folder / "ca.crt", 5432, image_name()), "services": ["user"]}
    yield Stack(folder, settings, variables(host))
    shutil.rmtree(folder)


def refused(stack: Stack, **changes: Any) -> str:
    """The only error line of a preview with changed settings."""
    before = {key: stack.settings.get(key) for key in changes}
    stack.configure(changes)
    try:
        said = stack.run("preview", "--stack", "test", check=False)
    finally:
        stack.configure(before)
    assert said.code != 0
    assert "Traceback" not in said.output
    # The engine repeats it where it shows the progress.
    lines = {line.partition("error: ")[2] for line in said.output.splitlines() if "error: waqiti" in line}
    assert len(lines) == 1, said.output
    return lines.pop().strip()


def docker(host: str, *arguments: str) -> str:
    done = subprocess.run(
        ["docker", "--host", host, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_no_engine_is_one_line(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stack.variables, "DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert refused(stack) == (
        f"{PREFIX}: Docker Engine at {tmp_path}/none.sock does not run; start it (script/docker-engine start"
        " does), or set DOCKER_HOST"
    )


def test_an_engine_elsewhere_is_one_line(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(stack.variables, "DOCKER_HOST", "tcp://127.0.0.1:1")
    assert "is not on this machine" in refused(stack)


def test_a_missing_image_is_one_line(stack: Stack) -> None:
    settings = {**stack.settings["docker"], "postgresImage": "nobody/has:this"}
    assert refused(stack, docker=settings) == (
        f"{PREFIX}: docker.postgresImage: nobody/has:this is not on this Docker host; docker pull"
        " nobody/has:this, or make one with script/test-image"
    )


def test_an_image_with_another_digest_is_one_line_that_says_which_it_has(stack: Stack, host: str) -> None:
    digest = f"sha256:{'0' * 64}"
    settings = {**stack.settings["docker"], "postgresImage": f"{image_name()}@{digest}"}
    said = refused(stack, docker=settings)
    assert f"not {digest}" in said
    assert docker(host, "image", "inspect", "--format", "{{.Id}}", image_name()) in said


def test_an_image_with_the_digest_of_the_settings_is_taken(stack: Stack, host: str) -> None:
    identity = docker(host, "image", "inspect", "--format", "{{.Id}}", image_name())
    settings = {**stack.settings["docker"], "postgresImage": f"{image_name()}@{identity}"}
    stack.configure({"docker": settings})
    try:
        assert stack.run("preview", "--stack", "test").code == 0
    finally:
        stack.configure({"docker": {**settings, "postgresImage": image_name()}})


@pytest.mark.parametrize(
    ("kind", "name", "create"),
    [
        ("network", "waqiti-test-user", []),
        ("volume", "waqiti-test-user-data", []),
        ("container", "waqiti-test-user-gateway", ["--network", "none", "--name"]),
    ],
)
def test_a_name_that_something_else_has_is_one_line_and_it_is_left_alone(
    stack: Stack, host: str, kind: str, name: str, create: list[str]
) -> None:
    image = [image_name(), "true"] if kind == "container" else []
    docker(host, kind, "create", *create, name, *image)
    try:
        before = docker(host, kind, "inspect", name)
        assert refused(stack).startswith(f"{PREFIX}: {kind} {name}: exists on this Docker host and is not of")
        assert docker(host, kind, "inspect", name) == before
    finally:
        docker(host, kind, "rm", name)


def test_addresses_of_another_network_are_refused_in_one_line(stack: Stack, host: str) -> None:
    subnet = SUBNET.replace("0.0/16", "1.64/26")  # where the user service's applications would be
    docker(host, "network", "create", "--internal", "--subnet", subnet, "somebody-else")
    try:
        before = docker(host, "network", "inspect", "somebody-else")
        assert refused(stack) == (
            f"{PREFIX}: docker.subnet: {subnet} is of the network somebody-else, which is not of the"
            " stack waqiti-test; choose another private /16, or remove that network; it was not touched"
        )
        assert docker(host, "network", "inspect", "somebody-else") == before
    finally:
        docker(host, "network", "rm", "somebody-else")


def test_more_memory_than_the_host_has_is_one_line(stack: Stack) -> None:
    said = refused(stack, scale="64", services=["user", "payment", "wallet", "ledger", "analytics"])
    assert said.startswith(f"{PREFIX}: scale: at 64 the services take")


def test_a_subnet_that_is_none_is_one_line(stack: Stack) -> None:
    said = refused(stack, docker={**stack.settings["docker"], "subnet": "172.30.0.0/24"})
    assert "docker.subnet: 172.30.0.0/24 is no private /16" in said


def test_a_volume_with_another_cluster_is_refused_in_a_line_and_left_alone(stack: Stack, host: str) -> None:
    volume = "waqiti-test-user-data"
    docker(host, "volume", "create", "--label", "waqiti.stack=waqiti-test", volume)
    mounted = ["--volume", f"{volume}:/var/lib/postgresql/data", "--entrypoint", "sh", image_name(), "-c"]
    made = "cd /var/lib/postgresql/data"
    made += "; mkdir pgdata; echo 17 >pgdata/PG_VERSION; echo other >pgdata/waqiti-cluster"
    docker(host, "run", "--rm", "--network", "none", "--user", "999:999", *mounted, made)
    try:
        said = stack.up(check=False)
        assert said.code != 0
        assert "the volume holds the cluster of other, not of waqiti-test/user" in said.output
        assert "Traceback" not in said.output
        kept = docker(
            host,
            "run",
            "--rm",
            "--network",
            "none",
            *mounted,
            "cat /var/lib/postgresql/data/pgdata/waqiti-cluster",
        )
        assert kept == "other"
    finally:
        stack.destroy()


def test_a_measurement_leaves_the_volumes_of_a_stack_alone(host: str) -> None:
    refuse_another_stack(host, "waqiti-other")
    docker(host, "volume", "create", "--label", "waqiti.stack=waqiti-other", "waqiti-other-user-data")
    try:
        with pytest.raises(DemoError, match="the stack waqiti-other is on it already; name another engine"):
            refuse_another_stack(host, "waqiti-other")
    finally:
        docker(host, "volume", "rm", "waqiti-other-user-data")
