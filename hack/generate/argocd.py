"""docs/argocd: how Argo CD tells the health of our kinds, from the registry of reasons."""

from pathlib import Path
from typing import Any, Final

import yaml

from speaker_operator.api import crd
from speaker_operator.api.v1alpha1.common import GROUP
from speaker_operator.explained import Standing
from speaker_operator.reasons import Reason

FOLDER: Final = Path("docs/argocd")
HEADER: Final = "Written by `make generate` from operator/speaker_operator/reasons.py."
SCRIPT: Final = """\
-- {header}
-- The health of a TTSService or Voice for Argo CD. It looks at generations, and at the status and
-- the reason of the condition Ready; messages are only handed on.
local passing = {{{passing}}}
local at_rest = {{{at_rest}}}

local health = {{status = "Progressing", message = "The operator has not seen it yet"}}
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
for _, condition in ipairs(status.conditions or {{}}) do
  if condition.type == "Ready" then
    health.message = condition.message
    if condition.status == "True" then
      health.status = "Healthy"
    elseif at_rest[condition.reason] then
      health.status = "Suspended"
    elseif not passing[condition.reason] then
      health.status = "Degraded"
    end
  end
end
return health
"""


class _Literal(str):
    """Text that YAML shows line by line."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes literals as blocks."""


def _block(dumper: _Dumper, text: _Literal) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")


_Dumper.add_representer(_Literal, _block)


def files(_root: Path) -> dict[Path, str]:
    """Give the script, and the patch of Argo CD's ConfigMap that has it for every kind."""
    patch: dict[str, Any] = {
        "data": {
            f"resource.customizations.health.{GROUP}_{kind.definition.kind}": _Literal(script())
            for kind in crd.KINDS
        }
    }
    text = yaml.dump(patch, Dumper=_Dumper, sort_keys=False, width=200)
    return {
        FOLDER / "health.lua": script(),
        FOLDER / "argocd-cm.patch.yaml": f"# {HEADER}\n{text}",
    }


def script() -> str:
    """The Lua that Argo CD runs with the object in ``obj``."""
    return SCRIPT.format(
        header=HEADER, passing=_set(Standing.PASSING), at_rest=_set(Standing.AT_REST)
    )


def _set(standing: Standing) -> str:
    words = (each.value for each in Reason if each.standing is standing)
    return ", ".join(f"{word} = true" for word in words)
