"""What the roles of a service are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from components.contract import Endpoint
from components.locale import PLAIN, Locale


@dataclass(frozen=True)
class SecondLogins:
    """The logins that a rotation made beside the first ones: they act as those do."""

    service: str
    service_password: pulumi.Input[str]
    ddl: str
    ddl_password: pulumi.Input[str]
    is_open: bool
    """Whether they may log in."""


@dataclass(frozen=True)
class RolesArgs:
    """What roles and database are made from. Names are the catalogue's; passwords are secrets."""

    endpoint: Endpoint
    """The instance; `endpoint.database` is the one that is made."""
    version: int
    administrator: str
    administrator_password: pulumi.Input[str]
    schema_name: str
    owner: str
    service: str
    service_password: pulumi.Input[str]
    migration: str
    migration_password: pulumi.Input[str]
    following: str
    """`migration` sets its password, as a member of it: a new one at every start, none at the end."""
    monitoring: str
    monitoring_password: pulumi.Input[str]
    backup: str
    backup_password: pulumi.Input[str]
    ddl: str
    ddl_password: pulumi.Input[str]
    is_open: bool = True
    """Whether `service` and `ddl` may log in themselves."""
    second: SecondLogins | None = None
    """None: nothing was rotated yet."""
    reading: Sequence[str] = ()
    """As `following`, for each service that reads tables of this one."""
    extensions: Sequence[str] = ()
    """Beside pg_stat_statements; created in `public` by the administrator."""
    instance: pulumi.Resource | None = None
    """What all this lives in: made after it, and gone with it."""
    protect: bool = True
    """Protect what holds data, and retain it when it leaves the program."""
    bypass_row_security: bool = False
    """Whether policies of row security leave the service's role alone (`rowSecurity: bypass`)."""
    locale: Locale = PLAIN
    """Of the database."""
    synchronous_backup: bool = False
    """Whether the backup role may let commits wait for the archive, and take that back."""
    sessions: Mapping[str, str] = field(default_factory=dict)
    """What the service's sessions begin with, over the instance's configuration."""
    names_address: bool = True
    """Whether the instance's certificate names the address by which Pulumi's provider reaches it."""
    business: str | None = None
    """The team's query, for who watches the service; None: nobody asks it."""
    own_schema: str | None = None
    """What `migration finish` renames the schema to; None: it keeps its name."""
