"""`init`: a first services.yaml and a stack's file, from the shared database as it is."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
import yaml

from components.catalogue.model import Catalogue
from components.catalogue.read import read_catalogue
from components.problems import ConfigurationError
from components.settings.model import Settings
from components.settings.read import this_host_memory
from core.cli import AsJson, Invocation, invocation
from core.errors import FilesExist
from core.sessions.scrubbing import hiding
from migration.commands.init_show import show, undecided
from migration.init.address import shared_database
from migration.init.draft import Draft, make_draft, target_version
from migration.init.lacks import find_lacks
from migration.init.names import FIRST_PORT, choose
from migration.init.next_commands import next_blocks
from migration.init.sizes import scale_for
from migration.init.survey import survey
from migration.init.update import updated
from migration.init.write import StackDraft, services_yaml, stack_yaml
from servers.binaries import extensions, postgres_bin
from servers.errors import ServerError
from servers.ports import is_taken

CHECKOUT = Path(__file__).resolve().parents[2]
CATALOGUE = "services.yaml"
PROJECT = "Pulumi.yaml"
_OFFSETS = range(0, 30_000, 1_000)


@dataclass(frozen=True)
class _Place:
    """The folder that is written to, and what is there already."""

    folder: Path
    stack: str

    @property
    def catalogue(self) -> Path:
        return self.folder / CATALOGUE

    @property
    def settings(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    @property
    def project(self) -> Path:
        return self.folder / PROJECT

    def project_name(self) -> str:
        """The namespace of the settings."""
        known = self.project if self.project.exists() else CHECKOUT / PROJECT
        return str(yaml.safe_load(known.read_text(encoding="utf-8"))["name"])


def init(
    context: typer.Context,
    *,
    source: Annotated[
        str,
        typer.Option(
            metavar="URL", help="postgresql://ROLE@HOST:PORT/DATABASE, without a password; best a superuser."
        ),
    ],
    stack: Annotated[str, typer.Option("--stack", "-s", help="The Pulumi stack to draft.")] = "dev",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write; made if need be.")] = Path(),
    schemas: Annotated[
        list[str] | None,
        typer.Option(
            "--schema", metavar="NAME", help="Take this schema, and only those named so. Repeatable."
        ),
    ] = None,
    application: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="The role that all services share; default: who may write most."),
    ] = None,
    password_variable: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Variable with its password; default: SOURCE_DB_ADMIN_PASSWORD, PGPASSWORD, then a prompt.",
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Show what is new against the services.yaml there is.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --update: write it, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read a shared database and write a first services.yaml and Pulumi.STACK.yaml. Overwrites nothing.

    It ends with what the server lacks, as statements to paste, and with the exact next commands.
    """
    run = invocation(context, as_json=as_json)
    if write and not update:
        raise typer.BadParameter("--write goes with --update; without it new files are written anyway")
    place = _Place(out.resolve(), stack)
    before = _before(place, update)
    database = shared_database(source, password_variable)
    run.scrub = hiding(database.login)
    found = survey(database, application)
    known = {entry.schema_name for entry in before.services.values()} if before is not None else set()
    chosen = choose(found.schemas, schemas or (), database.endpoint.database, known)
    draft = make_draft(
        found,
        database,
        chosen,
        application=application,
        before=before,
        available=_available(target_version(found.server.major)),
    )
    if before is not None:
        _update(run, place, draft, write=write)
        return
    scale = scale_for([one.sizes.memory for one in draft.services], this_host_memory())
    catalogue = None if place.folder == CHECKOUT else place.catalogue
    drafted = StackDraft(stack, place.project_name(), scale, _port_offset(len(draft.services)), catalogue)
    files = {
        place.catalogue: services_yaml(draft, database),
        place.settings: stack_yaml(draft, database, drafted),
    }
    if not place.project.exists():
        files[place.project] = _project()
    _check(files[place.catalogue])
    _write(files)
    blocks = next_blocks(draft, drafted, place.folder, CHECKOUT, database.login.name)
    show(run, draft, list(files), find_lacks(draft, database), blocks)


def _before(place: _Place, update: bool) -> Catalogue | None:
    """The catalogue that is there, for `--update`. Raises FilesExist, also where there is none to update."""
    there = [path for path in (place.catalogue, place.settings) if path.exists()]
    if not update:
        if there:
            raise FilesExist(
                f"there already, and not overwritten: {', '.join(map(str, there))}; see what is new with"
                " `init --update`, or write to another folder with --out"
            )
        return None
    if not place.catalogue.exists():
        raise FilesExist(f"there is no {place.catalogue} to update; run `init` without --update")
    try:
        return read_catalogue(place.catalogue)
    except ConfigurationError as error:
        raise FilesExist(f"{place.catalogue} cannot be read: {error.problems[0]}") from None


def _update(run: Invocation, place: _Place, draft: Draft, *, write: bool) -> None:
    text = place.catalogue.read_text(encoding="utf-8")
    new = updated(text, draft)
    _check(new)
    diff = "".join(
        difflib.unified_diff(
            text.splitlines(keepends=True), new.splitlines(keepends=True), CATALOGUE, f"{CATALOGUE} (new)"
        )
    )
    if write and diff:
        place.catalogue.write_text(new, encoding="utf-8")
    idle = sorted(draft.proposed.idle)
    if run.as_json:
        run.show_json(
            {
                "changed": bool(diff),
                "written": bool(write and diff),
                "diff": diff,
                "undecided": undecided(draft),
                "idle_rules": [{"service": name, "match": match} for name, match in idle],
                "services_without_schema": list(draft.gone),
            }
        )
        return
    run.out.print(diff or "services.yaml has all that there is.", markup=False, soft_wrap=True, end="")
    if not diff:
        run.out.print()
    for name, match in idle:
        run.err.print(f"{name}: a rule matches nothing that crosses any more: {match}", markup=False)
    for name in draft.gone:
        run.err.print(f"{name}: its schema is not there, or looks like no service's", markup=False)
    if diff and not write:
        run.err.print("Nothing was written: --write does.")


def _check(text: str) -> None:
    """What was drafted is read back as the stack will read it: a draft that cannot be is a bug."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / CATALOGUE
        path.write_text(text, encoding="utf-8")
        read_catalogue(path)


def _write(files: Mapping[Path, str]) -> None:
    """Write new files; raises FilesExist for one that has come meanwhile, BadParameter where nobody may."""
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError as error:
        raise FilesExist(f"{error.filename} is there already, and is not overwritten") from None
    except OSError as error:
        raise typer.BadParameter(
            f"cannot write {error.filename}: {error.strerror}; choose another --out"
        ) from None


def _project() -> str:
    """A Pulumi project whose program is the checkout's."""
    project = yaml.safe_load((CHECKOUT / PROJECT).read_text(encoding="utf-8"))
    project["main"] = str(CHECKOUT)
    project["runtime"]["options"]["virtualenv"] = str(CHECKOUT / ".venv")
    return str(yaml.safe_dump(project, sort_keys=False, allow_unicode=True, width=float("inf")))


def _available(version: int) -> frozenset[str] | None:
    """The extensions of this machine's servers of that version; None where there are none to ask."""
    try:
        return extensions(postgres_bin(version))
    except ServerError:
        return None


def _port_offset(services: int) -> int:
    """The first offset at which this machine has all the ports free; 0 where there is none."""
    apart = int(Settings.model_fields["instance_port_offset"].default)
    ports = [port + more for port in range(FIRST_PORT, FIRST_PORT + services) for more in (0, apart)]
    return next((offset for offset in _OFFSETS if not any(is_taken(port + offset) for port in ports)), 0)
