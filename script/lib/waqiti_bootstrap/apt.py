"""Apt's lists and downloads in a folder of our own, so that anyone may update and fetch."""

from pathlib import Path


def own_apt(folder: Path) -> list[str]:
    """Options for apt-get and apt-cache: all they write goes to `folder`; the sources are this machine's."""
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    return [
        *("-o", f"Dir::State={folder}/state"),
        *("-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Dir::Cache={folder}/cache"),
        *("-o", "APT::Sandbox::User="),
        *("-o", "Acquire::Languages=none"),
        *("-o", "APT::Update::Pre-Invoke::="),
        *("-o", "APT::Update::Post-Invoke::="),
    ]
