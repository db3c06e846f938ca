"""An engine that cannot be used: one line that says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from servers.docker_engine import Engine, api_of
from servers.errors import ServerError
from tests.support.absence import absent
from tests.support.places import REPOSITORY

pytestmark = pytest.mark.unit

NOBODY = 65534


def test_no_engine_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"does not run; start it \(script/docker-engine start does\)"):
        Engine(str(tmp_path / "none.sock")).info()


def test_a_socket_that_nobody_listens_on_is_no_engine(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left.sock"))
    left.close()
    with pytest.raises(ServerError, match="does not run"):
        Engine(str(tmp_path / "left.sock")).info()


def test_a_socket_that_this_user_may_not_use_says_so() -> None:
    if os.geteuid() != 0:
        absent("only root can become nobody")
    # Not pytest's folder: nobody may not enter that.
    folder = Path(f"/tmp/wq-{os.getpid()}")  # noqa: S108
    folder.mkdir(mode=0o755)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(folder / "docker.sock"))
        listener.listen()
        (folder / "docker.sock").chmod(0o600)
        program = (
            f"import os, sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
            "from servers.docker_engine import Engine\n"
            "from servers.errors import ServerError\n"
            f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
            f"try: Engine({str(folder / 'docker.sock')!r}).info()\n"
            "except ServerError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    finally:
        listener.close()
        (folder / "docker.sock").unlink(missing_ok=True)
        folder.rmdir()
    assert done.stdout.strip() == (
        f"Docker Engine at {folder}/docker.sock: may not be used by this user; run this as root."
    )


def test_an_engine_of_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
    with pytest.raises(ServerError, match="is not on this machine"):
        Engine.of_environment()


@pytest.mark.parametrize(
    ("oldest", "spoken"),
    [({}, "1.41"), ({"MinAPIVersion": "1.12"}, "1.41"), ({"MinAPIVersion": "1.44"}, "1.44")],
)
def test_an_engine_without_the_old_api_is_spoken_to_in_its_oldest(
    oldest: dict[str, str], spoken: str
) -> None:
    assert api_of({"ApiVersion": "1.52", **oldest}) == spoken
