"""`config`: what a service's application is given to connect with, ready to be pasted."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from components.contract import Service
from core.cli import All, AsJson, ContractFile, Services, Stack, chosen, invocation
from core.errors import FilesExist, MigrationError
from migration.applications.connecting import connecting
from migration.applications.formats import FORMATS, rendered

Kind = StrEnum("Kind", [(name, name) for name in FORMATS])  # type: ignore[misc]

_SPRING = Kind("spring")
AUTHORITY = "ca.crt"


def config(
    context: typer.Context,
    *,
    services: Services = None,
    everything: All = False,
    kind: Annotated[Kind, typer.Option("--format", help="For what it is.")] = _SPRING,
    ca_path: Annotated[
        str | None,
        typer.Option(
            "--ca-path",
            metavar="PATH",
            help="Of the CA certificate where the application runs; default: here.",
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FOLDER", help="Write a file a service, and the CA certificate."),
    ] = None,
    stack: Stack = None,
    contract: ContractFile = None,
    as_json: AsJson = False,
) -> None:
    """Print how applications connect to their endpoint, the same before, during and after the move.

    No password is in it, only the name of its variable. What depends on the gateway's PgBouncer follows the
    one that runs now; one that does not answer counts as the oldest.
    """
    here = invocation(context, as_json=as_json)
    agreed = here.contract(stack, contract)
    texts: dict[str, str] = {}
    found: dict[str, Any] = {}
    for service in chosen(agreed, services, everything=everything):
        to = connecting(service, ca_path=ca_path)
        texts[service.name] = rendered(kind.value, to)
        found[service.name] = {**to.as_json(), "format": kind.value, "text": texts[service.name]}
    if as_json:
        here.show_json(found)
    if write is not None:
        for path in _write(write, kind.value, texts, [agreed.services[name] for name in texts]):
            here.err.print(f"wrote {path}", markup=False)
    elif not as_json:
        here.out.print("\n".join(texts.values()), end="", markup=False, soft_wrap=True)


def _write(folder: Path, kind: str, texts: dict[str, str], services: list[Service]) -> list[Path]:
    """The files that were written. Raises FilesExist for one that says something else, before any is."""
    wanted = {folder / f"{name}.{FORMATS[kind].suffix}": text for name, text in texts.items()}
    authorities = {one.endpoint.sslrootcert for one in services} - {None}
    try:
        for authority in sorted(filter(None, authorities))[:1]:
            wanted[folder / AUTHORITY] = Path(authority).read_text(encoding="ascii")
        for path, text in wanted.items():
            if path.exists() and path.read_text(encoding="utf-8") != text:
                raise FilesExist(
                    f"{path} is there and says something else; remove it, or write to another folder"
                )
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MigrationError(f"cannot write {error.filename or folder}: {error.strerror}") from None
    return list(wanted)
