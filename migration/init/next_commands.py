"""The exact next commands, from a draft on disk to the plan and the first move. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.settings.read import SOURCE_ADMIN_PASSWORD_VARIABLE, SOURCE_PASSWORD_VARIABLE
from migration.init.draft import Draft
from migration.init.write import StackDraft


@dataclass(frozen=True, slots=True)
class Block:
    """Commands that are pasted together, and what they are for."""

    what: str
    commands: tuple[str, ...]


def next_blocks(
    draft: Draft, stack: StackDraft, folder: Path, checkout: Path, administrator: str
) -> list[Block]:
    """What to do after `init`, block by block. Each can be pasted as it is, and again."""
    environment = f"cd {shlex.quote(str(folder))} && . {shlex.quote(str(checkout / 'script' / 'env'))}"
    secret = f"~/.waqiti-{stack.name}-passphrase"
    smallest = min(draft.services, key=lambda one: (one.bytes, one.names.service)).names.service
    return [
        Block(
            "Passwords, asked for unless they are in the environment",
            (
                _ask(SOURCE_ADMIN_PASSWORD_VARIABLE, administrator),
                _ask(SOURCE_PASSWORD_VARIABLE, draft.application),
            ),
        ),
        Block(
            "Pulumi's state, in that folder, and the passphrase of the secrets in it (keep that file)",
            (
                environment,
                'mkdir -p .pulumi-state && pulumi login "file://$PWD/.pulumi-state"',
                f"[ -s {secret} ] || (umask 077 && head -c 24 /dev/urandom | base64 > {secret})",
                f"export PULUMI_CONFIG_PASSPHRASE_FILE={secret}",
                f"pulumi stack select --create {stack.name}",
            ),
        ),
        Block("An instance and an endpoint for each service", (f"pulumi up --yes --stack {stack.name}",)),
        Block(
            "What would move, and what is to be decided first",
            ("python -m migration plan --all",),
        ),
        Block("The smallest service, while it is written to", (f"python -m migration run {smallest}",)),
    ]


def as_shell(blocks: Sequence[Block]) -> Iterator[str]:
    """The blocks for a terminal."""
    for block in blocks:
        yield f"# {block.what}:"
        yield from block.commands


def _ask(variable: str, role: str) -> str:
    shown = shlex.quote(f"Password of {role}: ")
    return f'[ "${variable}" ] || {{ printf %s {shown}; read -rs {variable}; echo; }}; export {variable}'
