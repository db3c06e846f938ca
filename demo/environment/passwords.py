"""The demo's passwords: drawn once, kept in a shell file that only its owner reads."""

from __future__ import annotations

import secrets
import shlex

from demo.environment.home import Home
from servers.osuser import write_private

SECRETS = ("SOURCE_DB_ADMIN_PASSWORD", "SOURCE_DB_PASSWORD")
"""The shared database's; each service's own is drawn by the stack, into its encrypted state."""
_SHOWN = ("DOCKER_HOST", "KUBECONFIG", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME",
          "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_STACK", "WAQITI_CACHE_DIR", "WAQITI_DEMO",
          "WAQITI_STATE_DIR")  # fmt: skip


def passwords(home: Home) -> dict[str, str]:
    """The shared database's passwords by variable, drawn if this demo has none yet.

    Writes the passphrase and the environment file too, both of mode 0600.
    """
    found = _read(home)
    if any(name not in found for name in SECRETS):
        found = {name: secrets.token_urlsafe(24) for name in SECRETS}
    if not home.passphrase.exists():
        write_private(home.passphrase, secrets.token_urlsafe(32), ours=True)
    environment = home.environment()
    lines = ["# For bash and zsh: . this file, then pulumi and python -m migration see the demo's stack."]
    lines += [f"export {name}={shlex.quote(environment[name])}" for name in _SHOWN if name in environment]
    lines += [f"export {name}={shlex.quote(found[name])}" for name in SECRETS]
    write_private(home.variables, "\n".join(lines) + "\n", ours=True)
    return {name: found[name] for name in SECRETS}


def _read(home: Home) -> dict[str, str]:
    if not home.variables.exists():
        return {}
    lines = home.variables.read_text(encoding="utf-8").splitlines()
    pairs = (line.removeprefix("export ").partition("=") for line in lines if line.startswith("export "))
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}
