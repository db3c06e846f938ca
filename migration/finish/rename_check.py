"""What forbids renaming a service's schema: whatever would go on looking for the old name."""

from __future__ import annotations

from contextlib import closing

from components.contract import Contract, Service
from components.replication_roles import flow_name
from core.errors import RenameRefused
from core.sessions.queries import queries
from core.sessions.stack import source_database, target_database
from migration.catalog.read import read_catalog
from migration.gates.model import Gate, judged
from migration.parsing.mentions import TextUse, texts_naming
from migration.parsing.statements import named_in, normalized
from migration.plan.renames import HOW
from migration.references.model import read_links
from migration.traffic.read import read_ran

query = queries(__package__)

_SHOWN = 3


def refuse_texts(service: Service) -> None:
    """Raise RenameRefused when objects of the service's own database name the schema in text."""
    uses = [use for use in _texts(service) if use.certain]
    if uses:
        raise RenameRefused(f"{service.name}: {_named(uses)} name {service.schema_name} in text: {HOW}")


def rename_gates(contract: Contract, service: Service) -> list[Gate]:
    """What a `finish` that renames asks first. None of it holds up anybody.

    Raises what connecting to the shared and to the service's own database raises.
    """
    old = service.schema_name
    uses = _texts(service)
    certain, perhaps = ([use for use in uses if use.certain is sure] for sure in (True, False))
    source, target = source_database(contract), target_database(service)
    with source.connect() as connection, source.translated("reading the references"):
        readers = [link.dependent for link in read_links(connection) if link.referenced == service.name]
    values = {"schema": old, "own": flow_name(service.name, "back")}
    with closing(target.connect()) as connection, target.translated("looking at what binds its schema"):
        bound = [row[0] for row in connection.execute(query("bound"), values)]
        ran = read_ran(connection, contract)
    mine = [one for one in ran.statements if one.role in {service.service.name, service.login.name}]
    qualified = [one for one in mine if any(name.schema == old for name in named_in(one.text) or ())]
    first = normalized(qualified[0].text)[:200] if qualified else ""
    reset = "then SELECT pg_stat_statements_reset() in its own database and let a day pass"
    return [
        judged(
            "rename-references", bool(readers), f"{', '.join(readers)} keep a replica of {old}",
            "drop these references, or leave `ownSchema` out", error=RenameRefused,
        ),
        judged(
            "rename-texts", bool(certain), f"{_named(certain)} name {old} in text", HOW, error=RenameRefused
        ),
        judged(
            "rename-perhaps", bool(perhaps), f"{_named(perhaps)} may name {old} in text",
            "look at them; where they mean the schema, change them", overridable=True, error=RenameRefused,
        ),
        judged(
            "rename-bound", bool(bound), f"{', '.join(map(str, bound))} bound to {old} by its name",
            "drop them, and make them again afterwards", overridable=True, error=RenameRefused,
        ),
        judged(
            "rename-statements", bool(qualified),
            f"{len(qualified)} statements of {service.service.name} name {old}, for example {first!r}",
            f"send them without the schema, {reset}", overridable=True, error=RenameRefused,
        ),
        judged(
            "rename-unseen", bool(ran.advice), "pg_stat_statements cannot be read in its own database",
            "CREATE EXTENSION pg_stat_statements in it, and let a day pass", overridable=True,
            error=RenameRefused,
        ),
    ]  # fmt: skip


def _texts(service: Service) -> list[TextUse]:
    target = target_database(service)
    with closing(target.connect()) as connection, target.translated("reading its catalogue"):
        catalog = read_catalog(connection)
    return texts_naming(catalog, service.schema_name, sorted(catalog.objects))


def _named(uses: list[TextUse]) -> str:
    more = f" and {len(uses) - _SHOWN} more" if len(uses) > _SHOWN else ""
    return "; ".join(str(use) for use in uses[:_SHOWN]) + more
