"""Whether Pulumi's own downloads can be had from here: asked once, answered within seconds."""

import functools
import platform
import threading
import urllib.error
import urllib.request

from .errors import BootstrapError

SECONDS = 3.0
SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


@functools.cache
def reachable(version: str) -> bool:
    """Whether the vendor's site serves the CLI of this version to this machine.

    A thread asks, because looking up a name knows no time-out. Proxies in the environment are honoured.
    """
    answer: list[bool] = []
    asker = threading.Thread(target=lambda: answer.append(_asked(address(version))), daemon=True)
    asker.start()
    asker.join(SECONDS + 1)
    return bool(answer and answer[0])


def address(version: str) -> str:
    """Where the CLI of this version is for this machine."""
    system = SYSTEMS.get(platform.system())
    machine = MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        here = f"{platform.system()} on {platform.machine()}"
        raise BootstrapError(f"{here} is not supported: use Linux or macOS, on x86-64 or arm64")
    return f"https://get.pulumi.com/releases/sdk/pulumi-v{version}-{system}-{machine}.tar.gz"


def _asked(url: str) -> bool:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 (a constant https address)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
