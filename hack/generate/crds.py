"""The CRDs, generated from the API models: once to apply by hand, once for the chart."""

from pathlib import Path
from typing import Final

from speaker_operator.api import crd

PLAIN: Final = Path("crds")
CHART: Final = Path("charts/speaker-tts/templates/crds")

_ANNOTATIONS: Final = "metadata:\n"
_KEPT: Final = "metadata:\n  annotations:\n    helm.sh/resource-policy: keep\n"


def files(_root: Path) -> dict[Path, str]:
    """Give each CRD as it is, and as a chart template that stays when the release goes."""
    plain = crd.files()
    return {PLAIN / name: text for name, text in plain.items()} | {
        CHART / name: _template(text) for name, text in plain.items()
    }


def _template(text: str) -> str:
    if "{{" in text or text.count(f"\n{_ANNOTATIONS}") != 1:
        raise ValueError("this CRD cannot be made a chart template by plain insertion")
    body = text.replace(f"\n{_ANNOTATIONS}", f"\n{_KEPT}")
    return f"{{{{- if .Values.crds.install }}}}\n{body}{{{{- end }}}}\n"
