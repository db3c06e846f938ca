"""A service's logins by turns, as its roles and its gateway take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.platforms.interface import OtherLogin
from components.service.role_args import SecondLogins
from components.service.turns import SECOND, Turns


@dataclass(frozen=True)
class RoleLogin:
    """A role and its password, which is a secret."""

    name: str
    password: pulumi.Output[str]


def other_logins(
    turns: Turns, services: Sequence[RoleLogin], ddls: Sequence[RoleLogin]
) -> tuple[OtherLogin, ...]:
    """Those that are valid beside the current ones."""
    return tuple(
        OtherLogin(one.name, one.password, ddl)
        for ddl, logins in ((False, services), (True, ddls))
        for which, one in enumerate(logins)
        if which != turns.current and turns.is_open(which)
    )


def second_logins(
    turns: Turns, services: Sequence[RoleLogin], ddls: Sequence[RoleLogin]
) -> SecondLogins | None:
    """The second set for the roles of the instance; None: there is none yet."""
    if not turns.has_second:
        return None
    return SecondLogins(
        service=services[SECOND].name,
        service_password=services[SECOND].password,
        ddl=ddls[SECOND].name,
        ddl_password=ddls[SECOND].password,
        is_open=turns.is_open(SECOND),
    )
