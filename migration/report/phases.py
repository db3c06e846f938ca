"""What kind of work a step of the journal is, with the colour that the report's bars give it. Pure."""

from __future__ import annotations

from enum import Enum

from migration.steps.runner import UNDO_PREFIX

_SWITCHES = ("cutover: ", "rollback: ")


class Phase(Enum):
    """Kinds of work: what the legend says, and a colour that does on light and dark."""

    PREPARE = ("guards, publications, schema", "#7f97a5")
    COPY = ("copy of the rows", "#2f6690")
    BUILD = ("indexes and constraints", "#6a5acd")
    FOLLOW = ("replication", "#4aa3a2")
    COMPARE = ("comparison", "#3a9d6e")
    SWITCH = ("switch: clients wait", "#e9a23b")
    POINT = ("restore point", "#b0578d")
    FINISH = ("finish", "#8a6d5b")
    UNDO = ("undone", "#aaaaaa")

    @property
    def label(self) -> str:
        """For the legend."""
        return self.value[0]

    @property
    def colour(self) -> str:
        """As CSS has it."""
        return self.value[1]


_STEPS = {
    Phase.PREPARE: (
        "look for rows without their reference", "keep numbers of tables apart", "mark the target",
        "guard the source", "let rows that come back find names",
        "publish on the source", "watch the schema",
        "create the schema", "let replicas of other services follow", "set the sequences",
        "guard the target", "let rows that come find names", "take off checks that may refuse rows",
        "publish on the target", "drop the keys that cross",
    ),
    Phase.COPY: ("copy the rows", "copy the large objects", "copy from the slot's snapshot"),
    Phase.BUILD: ("build indexes and constraints",),
    Phase.FOLLOW: (
        "carry schema changes over", "make what came meanwhile", "subscribe", "catch up",
        "fill what came meanwhile", "take carried schema changes over",
    ),
    Phase.COMPARE: ("verify", "take the digests of the old copy"),
    Phase.SWITCH: (
        "pause the gateway", "close the source", "open the target", "repoint the gateway",
        "resume the gateway", "decide to go forward together",
    ),
    Phase.POINT: ("make a restore point of all services",),
    Phase.FINISH: (
        "lead those that read it to its own database", "end the replication", "end the watch over the schema",
        "keep the old copy closed", "free the target", "archive the old copy", "leave the shared database",
        "close the logins there", "rename the schema",
    ),
}  # fmt: skip
_BY_STEP = {step: phase for phase, steps in _STEPS.items() for step in steps}


def phase_of(step: str) -> Phase | None:
    """The kind of a step by its name in the journal; None for one that this table does not know."""
    if step.startswith(UNDO_PREFIX):
        return Phase.UNDO
    if step.startswith(_SWITCHES):
        return Phase.SWITCH
    if step.startswith("refill: "):
        return Phase.FOLLOW
    return _BY_STEP.get(step)
