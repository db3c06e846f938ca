"""The folder of the Pulumi project whose stack is worked on."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).parents[1]


def project_folder() -> Path:
    """The current folder where it holds a Pulumi.yaml, else the checkout's."""
    here = Path.cwd()
    return here if (here / "Pulumi.yaml").is_file() else _ROOT
