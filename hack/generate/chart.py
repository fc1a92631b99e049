"""The parts of the chart that the operator's code decides."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml

from speaker_operator.kube import rbac

FOLDER: Final = Path("charts/speaker-tts/files")
LEASE_NAME: Final = '{{ include "speaker-tts.name" . }}'
"""A template: each release has a lease of its own."""
HEADER: Final = "# Written by `make generate` from operator/speaker_operator/kube/rbac.py.\n"


def files(_root: Path) -> dict[Path, str]:
    """Give the rules of the operator's roles."""
    return {
        FOLDER / "rules.yaml": _rules(rbac.rules()),
        FOLDER / "cluster-rules.yaml": _rules(rbac.cluster_rules()),
        FOLDER / "secret-rules.yaml": _rules(rbac.secret_rules()),
        FOLDER / "own-rules.yaml": _rules(rbac.own_rules(LEASE_NAME)),
        FOLDER / "reference-rules.yaml": _further_rules(rbac.reference_rules()),
    }


def _rules(rules: Iterable[rbac.PolicyRule]) -> str:
    manifest = {"rules": [rule.to_manifest() for rule in rules]}
    return HEADER + yaml.safe_dump(manifest, sort_keys=False)


def _further_rules(rules: Iterable[rbac.PolicyRule]) -> str:
    """Rules that go behind others."""
    return HEADER + yaml.safe_dump([rule.to_manifest() for rule in rules], sort_keys=False)
