"""What of an instance's configuration applications notice, and when it comes into force. Pure.

A cutover should change where a service's data is and nothing else. Limits and the isolation that the shared
database does not have make statements fail that never failed; so an instance begins without them, and a stack
takes them over by a later step: `pulumi config set --path 'takenOver[0]' wallet`, then `pulumi up`.
"""

from __future__ import annotations

from collections.abc import Mapping

LIMITS = frozenset({
    "default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable",
    "statement_timeout", "lock_timeout", "transaction_timeout", "idle_in_transaction_session_timeout",
    "idle_session_timeout",
})  # fmt: skip
"""They decide which statements fail."""


def without_limits(parameters: Mapping[str, str]) -> dict[str, str]:
    """postgresql.conf of an instance that does not have them yet."""
    return {name: value for name, value in parameters.items() if name not in LIMITS}
