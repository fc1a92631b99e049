"""The parts of the chart that the operator's code decides."""

from pathlib import Path
from typing import Final

import yaml

from speaker_operator.kube import rbac

RULES: Final = Path("charts/speaker-tts/files/rules.yaml")


def files(_root: Path) -> dict[Path, str]:
    """Give the rules of the operator's role."""
    rules = {"rules": [rule.to_manifest() for rule in rbac.rules()]}
    header = "# Written by `make generate` from operator/speaker_operator/kube/rbac.py.\n"
    return {RULES: header + yaml.safe_dump(rules, sort_keys=False)}
