"""Gates: whether those have signed whom the catalogue asks for (`signOffs` of services.yaml)."""

from __future__ import annotations

from collections.abc import Iterator

from core.evidence.chain import Evidence
from core.evidence.lookup import signatures
from migration.gates.model import Gate, judged
from migration.gates.scene import Check, Scene, check


@check("sign-off", "start", "cutover", "rollback", "finish")
def sign_off(scene: Scene) -> Iterator[Gate]:
    """Everybody who is asked for has signed this stage, of this service or of all, under this catalogue."""
    asked = scene.contract.sign_offs.get(scene.stage, ())
    if not asked:
        return
    entries, catalogue = Evidence(scene.contract).read(), scene.contract.catalogue_digest
    signed = {
        one.facts["by"]: one
        for whose in (None, scene.name)
        for one in signatures(entries, scene.stage, whose, catalogue)
    }
    left = [name for name in asked if name not in signed]
    there = ", ".join(f"{name} ({signed[name].at:%Y-%m-%d})" for name in asked if name in signed)
    yield judged(
        "sign-off",
        bool(left),
        f"not signed by {', '.join(left)}" if left else f"signed by {there}",
        f"python -m migration sign {scene.name} --stage {scene.stage} --who {left[0] if left else ''!r}",
        limit=", ".join(asked),
    )


SIGNATURES: tuple[Check, ...] = (sign_off,)
