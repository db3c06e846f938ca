"""Which version of what: read from the lock files, so that each is written down once."""

import re
from pathlib import Path

from .errors import BootstrapError

Version = tuple[int, ...]

# The newest version whose Python language host is a package of a published Go module.
LANGUAGE_HOST = "3.79.0"
# Go's own minimum, from the modules in toolchain/.
GO_MINIMUM: Version = (1, 26)


def numbers(text: str) -> Version:
    """The first dotted number in `text`: "go version go1.26.8 linux/amd64" -> (1, 26, 8); () if none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


def is_wanted_pulumi(text: str, wanted: str) -> bool:
    """Whether a CLI that reports `text` suits the SDK of version `wanted`: same major, no older."""
    have, want = numbers(text), numbers(wanted)
    return bool(have) and have[0] == want[0] and have >= want


def requirement(lock: Path, package: str) -> list[str]:
    """The lines of `lock` that pin `package`: "name==version" and its hashes."""
    lines: list[str] = []
    for line in lock.read_text().splitlines():
        if lines and not line.startswith(" "):
            break
        if lines or line.startswith(f"{package}=="):
            lines.append(line)
    if not lines:
        raise BootstrapError(f"{lock}: no {package} in it; make it again as toolchain/README.md says")
    lines[-1] = lines[-1].removesuffix("\\").rstrip()
    return lines


def locked(lock: Path, package: str) -> str:
    """The version of `package` that `lock` pins."""
    return requirement(lock, package)[0].split("==")[1].split()[0]
