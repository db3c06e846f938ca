"""The last net before a text is shown or kept: passwords that got into it are blotted out.

Nothing relies on it: messages are made without secrets. It is for texts that others wrote (a driver's,
an operating system's, a traceback).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from components.contract import Contract, Login

Scrub = Callable[[str], str]

_SHORTEST = 4
"""A shorter password would blot out ordinary words; nobody's stack makes one."""


def scrubber(contract: Contract) -> Scrub:
    """Return a function that replaces every password of the contract, as it is or URL-quoted, by `***`."""
    logins = [contract.source.administrator, contract.source.application]
    for service in contract.services.values():
        logins += [service.service, service.migration, service.monitoring, service.backup]
        logins += [one for one in (service.application, service.ddl, service.shared) if one is not None]
        logins.append(service.gateway_control.administrator)
    return _scrub_of(logins)


def hiding(login: Login) -> Scrub:
    """The same for one login, while there is no contract yet."""
    return _scrub_of([login])


def _scrub_of(logins: Sequence[Login]) -> Scrub:
    secrets = {login.password.get_secret_value() for login in logins}
    spellings = {
        form for secret in secrets if len(secret) >= _SHORTEST for form in (secret, quote(secret, ""))
    }
    # Longest first, or a password that begins with another one would keep its tail.
    ordered = sorted(spellings, key=len, reverse=True)

    def scrub(text: str) -> str:
        for secret in ordered:
            text = text.replace(secret, "***")
        return text

    return scrub


def unchanged(text: str) -> str:
    """The scrubber for when no contract is known yet, hence no secret either."""
    return text
