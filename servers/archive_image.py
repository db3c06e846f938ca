"""The image of the containers that fill archives on Docker: its name, and of which program it is.

`python -m servers.archive_image digest | files | requirements`: what script/archive-image asks.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

LABEL = "waqiti.program"
"""With the digest of what is in the image of this program."""
ROOT = Path(__file__).parents[1]
PARTS = (
    "servers", "core", "operations", "components/__init__.py", "components/archive_container.py",
    "components/contract.py",
)  # fmt: skip
"""What the program in the container is made of, under the checkout."""
PACKAGES = (
    "annotated-types", "barman", "lz4", "psycopg", "psycopg-binary", "psycopg2-binary", "pydantic",
    "pydantic-core", "python-dateutil", "six", "typing-extensions", "typing-inspection", "zstandard",
)  # fmt: skip
"""Of requirements.lock."""
LOCK = "requirements.lock"


def name(version: int) -> str:
    """The image's, for a major version of PostgreSQL."""
    return f"waqiti-archive:{version}"


def files() -> list[Path]:
    """The files, as paths under the checkout."""
    found: list[Path] = []
    for part in PARTS:
        at = ROOT / part
        inside = [at] if at.is_file() else [one for one in at.rglob("*") if one.suffix in (".py", ".sql")]
        found += [one.relative_to(ROOT) for one in inside]
    return sorted(found)


@cache
def digest() -> str:
    """Of the files and of what is installed beside them."""
    made = hashlib.sha256("\n".join(requirements()).encode())
    for file in files():
        made.update(f"{file}\n".encode() + (ROOT / file).read_bytes())
    return made.hexdigest()[:16]


def requirements() -> list[str]:
    """The lines of requirements.lock about what is installed, with their hashes."""
    found: list[str] = []
    wanted = False
    for line in (ROOT / LOCK).read_text(encoding="utf-8").splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            wanted = line.partition("==")[0].partition("[")[0] in PACKAGES
        if wanted and not line.lstrip().startswith("#"):
            found.append(line)
    return found


if __name__ == "__main__":
    shown = {"digest": lambda: [digest()], "files": lambda: map(str, files()), "requirements": requirements}
    print("\n".join(shown[sys.argv[1]]()))
