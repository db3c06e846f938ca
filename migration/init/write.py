"""The draft as text: services.yaml and a stack's file. Values are as a YAML library writes them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from components.locale import PLAIN
from components.sizes import format_size
from core.progress.units import size
from core.sessions.connections import Database
from migration.init.crossings import Crossing
from migration.init.draft import Draft, ServiceDraft, target_version

Row = tuple[str, object, str]
"""Key, value, comment."""


@dataclass(frozen=True)
class StackDraft:
    """What a stack's file says beside the source."""

    name: str
    project: str
    scale: float
    port_offset: int
    catalogue: Path | None
    """Where services.yaml is; None: in the checkout."""


def services_yaml(draft: Draft, source: Database) -> str:
    """The text of services.yaml."""
    lines = [
        f"# The catalogue: one entry a service. Drafted by `init` from {comment(source.where)}.",
        "# Read it: names and sizes are proposals. The checkout's services.yaml says what each key means.",
    ]
    if draft.undecided:
        lines.append(
            f"# {len(draft.undecided)} crossings are UNDECIDED: the plan refuses until each has an action."
        )
    lines += [f"# The schema {comment(name)} is no service here: {comment(why)}." for name, why in draft.left]
    lines += ["", *_locale(draft), "services:"]
    for number, service in enumerate(draft.services):
        lines += ["", *service_lines(service)] if number else service_lines(service)
    return "\n".join(lines) + "\n"


def _locale(draft: Draft) -> Iterator[str]:
    """The shared database's, for all services, unless it is the plain one."""
    server = draft.survey.server
    locale = server.database_locale()
    if locale is None:
        told = f"collate {server.collate}, ctype {server.ctype}, {server.locale}"
        yield f"# The shared database's locale is none that a catalogue takes ({comment(told)}): C is taken."
    elif locale != PLAIN:
        yield f"locale: {locale.yaml} # the shared database's; services may have one of their own"


def service_lines(service: ServiceDraft) -> Iterator[str]:
    """One service's entry, as it stands under `services:`."""
    yield f"  {scalar(service.names.service)}: # {service.tables} tables, {size(service.bytes)}"
    for row in _keys(service):
        yield _line(row, "    ")
    if service.crossings:
        yield f"    {'' if any(one.action for one in service.crossings) else '# '}crossing:"
        yield from crossing_lines(service.crossings, "      ")


def crossing_lines(crossings: tuple[Crossing, ...], margin: str) -> Iterator[str]:
    """The items of a `crossing`, and, as comments, what is not decided yet."""
    for one in crossings:
        if one.action is not None:
            yield f"{margin}- match: {quoted(one.match)}"
            yield f"{margin}  action: {one.action}"
            yield f"{margin}  reason: {quoted(one.reason)}"
    for one in crossings:
        if one.action is None:
            yield f"{margin}# UNDECIDED: {comment(one.match)}"
            yield f"{margin}#   {comment(one.reason)}"
            if one.possible:
                can = ", ".join(one.possible)
                yield f"{margin}#   It can be: {can}. Choose, say why, and take the `# ` off the lines of it:"
                yield f"{margin}# - match: {quoted(one.match)}"
                yield f"{margin}#   action: {one.possible[0]}"
                yield f"{margin}#   reason: '...'"
            else:
                yield f"{margin}#   No action fits: change it in the shared database, then `init --update`."


def _keys(service: ServiceDraft) -> Iterator[Row]:
    names, sizes = service.names, service.sizes
    most, idle = sizes.pool
    yield "schema", names.schema, ""
    yield "endpoint", {"host": names.host, "port": names.port}, ""
    yield "database", names.database, ""
    yield "role", names.role, ""
    yield "passwordVariable", names.password_variable, ""
    yield "workload", str(sizes.workload), sizes.workload_reason
    resources = {"memory": format_size(sizes.memory), "maxConnections": sizes.max_connections}
    yield "resources", resources, sizes.memory_reason
    yield "pool", {"maximum": most, "idle": idle}, sizes.pool_reason
    without = ", ".join(service.missing)
    yield (
        "extensions",
        list(service.extensions),
        f"without {without}, which its server would not have: the plan says what to do" if without else "",
    )
    if service.row_security:
        why = "policies hide nothing from the common role today, which owns the tables or is above them"
        yield "rowSecurity", service.row_security, why
    if service.reads:
        yield "reads", list(service.reads), "its instance follows theirs, for `reference`"


def stack_yaml(draft: Draft, source: Database, stack: StackDraft) -> str:
    """The text of Pulumi.<stack>.yaml."""
    found = draft.survey.server.major
    version = target_version(found)
    rows: list[Row] = [
        ("platform", "local", "processes of this machine; docs/runbooks/staging.md has containers"),
        ("postgresVersion", version, f"the shared database runs {found}"),
        ("scale", f"{stack.scale:g}", "of all memory in services.yaml; 1 in production"),
    ]
    if stack.catalogue is not None:
        rows.append(("catalogue", str(stack.catalogue), ""))
    if stack.port_offset:
        rows.append(
            ("portOffset", stack.port_offset, "the ports of services.yaml are in use on this machine")
        )
    there = "what all services log in as today" if draft.application_there else "not there yet: make it"
    lines = [
        "# A stack of this machine, drafted by `python -m migration init`. No secret is here: the shared",
        "# database's passwords come from SOURCE_DB_ADMIN_PASSWORD and SOURCE_DB_PASSWORD; services' are",
        "# drawn at random unless their variables are set.",
        "config:",
        *(_line((f"{stack.project}:{key}", value, note), "  ") for key, value, note in rows),
        f"  {stack.project}:source:",
        *(_line(row, "    ") for row in _source(draft, source)),
        "    administrator:",
        _line(("name", source.login.name, ""), "      "),
        "    application:",
        _line(("name", draft.application, there), "      "),
    ]
    return "\n".join(lines) + "\n"


def _source(draft: Draft, source: Database) -> Iterator[Row]:
    endpoint = source.endpoint
    yield "host", endpoint.host, ""
    if endpoint.address:
        yield "address", endpoint.address, ""
    yield "port", endpoint.port, ""
    yield "database", endpoint.database, ""
    if endpoint.sslmode == "prefer" and draft.survey.encrypted:
        yield "sslmode", "require", "verify-full is better: name the server's CA as sslrootcert"
    else:
        yield "sslmode", endpoint.sslmode, "" if draft.survey.encrypted else "the server gave no TLS"
    if endpoint.sslrootcert:
        yield "sslrootcert", endpoint.sslrootcert, ""


def _line(row: Row, margin: str) -> str:
    key, value, note = row
    return f"{margin}{key}: {scalar(value)}" + (f" # {comment(note)}" if note else "")


class _OneLine(yaml.SafeDumper):
    """Texts that would be broken into lines are written with escapes."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_OneLine.add_representer(str, _text)


def scalar(value: object) -> str:
    """A value in one line of YAML, quoted where YAML needs it."""
    text = yaml.dump(
        value,
        Dumper=_OneLine,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=float("inf"),
    )
    return str(text).removesuffix("...\n").strip()


def quoted(value: str) -> str:
    """A text in one line of YAML, always quoted: patterns have characters that mean something there."""
    style = "'" if value.isprintable() else '"'
    return str(yaml.safe_dump(value, default_style=style, allow_unicode=True, width=float("inf"))).strip()


def comment(value: object) -> str:
    """A text in one line that is fit for a YAML comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
