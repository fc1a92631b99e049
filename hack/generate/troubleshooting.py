"""docs/troubleshooting.md, from the operator's registry of reasons."""

import re
from pathlib import Path
from typing import Final

import yaml

from generate.reference.markdown import table
from speaker_operator.explained import Standing
from speaker_operator.reasons import Reason

PAGE: Final = Path("docs/troubleshooting.md")
INTRODUCTION: Final = """# Troubleshooting

```sh
kubectl get tts,voices -A -o wide         # Reason and Message say why something is not ready
kubectl describe tts NAME                 # all conditions, and what happened when
```

`Ready` is True when the whole spec is in effect; else it has the first reason below that stands in
the way, and its message names the object and repeats what to do. The other conditions
(`ModelReady`, `VoicesReady`, `Available`, `Progressing`) say which part it is about. The operator
goes on trying by itself, and at once when something changes.

Written by `make generate` from the registry in the code (`operator/speaker_operator/reasons.py`).
"""
SECTIONS: Final = {
    Standing.WRONG: "Something is wrong",
    Standing.PASSING: "It takes its time",
    Standing.AT_REST: "It stands still, as it is told to",
    Standing.GOOD: "All is well",
}
ALERTS: Final = Path("charts/speaker-tts/files/alerts.yaml")
ALERTS_INTRODUCTION: Final = f"""## Alerts

Prometheus raises these where the chart's `monitoring.rules.enabled` is true
(the rules are [here]({"../" + str(ALERTS)})).
"""
_LABEL: Final = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_CODE: Final = re.compile(
    r"\b((?:spec|gpu|runtime|modelFetch)\.\w+(?:\.\w+)*|kubectl logs POD(?: -c \S+| --\w+)?)"
)


def files(root: Path) -> dict[Path, str]:
    """Give the page."""
    sections = [_section(standing, title) for standing, title in SECTIONS.items()]
    return {PAGE: "\n".join([INTRODUCTION, *sections, _alerts(root)])}


def _alerts(root: Path) -> str:
    document = yaml.safe_load((root / ALERTS).read_text("utf-8"))
    rows = [
        (
            f'<a id="{rule["alert"].lower()}"></a>`{rule["alert"]}`',
            rule["labels"]["severity"],
            _LABEL.sub(r"`\1`", rule["annotations"]["summary"]),
            _marked(rule["annotations"]["description"]),
        )
        for group in document["groups"]
        for rule in group["rules"]
    ]
    header = ("alert", "severity", "what it means", "what to know and to do")
    return f"{ALERTS_INTRODUCTION}\n{table(header, rows)}"


def _section(standing: Standing, title: str) -> str:
    rows = [
        (f'<a id="{each.lower()}"></a>`{each}`', _marked(each.meaning), _sentence(each.remedy))
        for each in Reason
        if each.standing is standing
    ]
    return f"## {title}\n\n{table(('reason', 'what it means', 'what to do'), rows)}"


def _sentence(remedy: str) -> str:
    return _marked(f"{remedy[0].upper()}{remedy[1:]}.")


def _marked(text: str) -> str:
    return _CODE.sub(r"`\1`", text)
