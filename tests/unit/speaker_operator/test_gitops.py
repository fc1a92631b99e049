"""What Flux, and all that follows kstatus, make of the statuses that the operator writes.

What Argo CD makes of them is in ``tests/apiserver/test_argocd.py``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from speaker_operator.reasons import BY_WORD
from tests.unit.speaker_operator.gitops_cases import CASES

SCRIPT = Path("docs/argocd/health.lua")
PATCH = Path("docs/argocd/argocd-cm.patch.yaml")


def kstatus(manifest: Mapping[str, Any]) -> str:
    """kstatus' rules for kinds that it does not know (sigs.k8s.io/cli-utils, pkg/kstatus)."""
    found = manifest.get("status", {})
    observed = found.get("observedGeneration")
    if observed is not None and observed != manifest["metadata"]["generation"]:
        return "InProgress"
    conditions = {each["type"]: each["status"] for each in found.get("conditions", ())}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "Current" if conditions.get("Ready", "True") == "True" else "InProgress"


@pytest.mark.parametrize("name", CASES)
def test_flux_waits_until_the_spec_is_in_effect(name: str) -> None:
    assert kstatus(CASES[name].manifest) == CASES[name].flux


def test_the_patch_has_the_same_script_for_both_kinds(repository: Path) -> None:
    patch = yaml.safe_load((repository / PATCH).read_text("utf-8"))
    script = (repository / SCRIPT).read_text("utf-8")
    assert patch["data"] == {
        "resource.customizations.health.speaker-tts.dev_TTSService": script,
        "resource.customizations.health.speaker-tts.dev_Voice": script,
    }


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_told_with_its_remedy(name: str) -> None:
    for condition in CASES[name].manifest["status"].get("conditions", ()):
        reason = BY_WORD[condition["reason"]]
        assert reason.told(condition["message"]) == condition["message"]
