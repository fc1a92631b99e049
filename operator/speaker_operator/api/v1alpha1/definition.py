"""How a kind presents itself to kubectl: its names, printer columns and subresources."""

from dataclasses import dataclass
from typing import Any, Literal

from speaker_operator.api.v1alpha1.common import API_VERSION


@dataclass(frozen=True)
class Column:
    """One column of ``kubectl get``; a wide one appears with ``-o wide`` only."""

    name: str
    json_path: str
    description: str
    type: Literal["string", "integer", "date"] = "string"
    wide: bool = False

    def to_schema(self) -> dict[str, Any]:
        """Write the column as an entry of ``additionalPrinterColumns``."""
        return {
            "name": self.name,
            "type": self.type,
            "jsonPath": self.json_path,
            "description": self.description,
            "priority": int(self.wide),
        }


AGE = Column("Age", ".metadata.creationTimestamp", "Time since the object was created.", "date")


def condition_columns() -> tuple[Column, Column]:
    """The wide columns that say why an object is not ready."""
    path = '.status.conditions[?(@.type=="Ready")]'
    return (
        Column("Reason", f"{path}.reason", "Why it is ready or not, in one word.", wide=True),
        Column("Message", f"{path}.message", "Why it is ready or not.", wide=True),
    )


READY = Column(
    "Ready", '.status.conditions[?(@.type=="Ready")].status', "Whether the whole spec is in effect."
)


@dataclass(frozen=True)
class Scale:
    """Where the scale subresource finds its numbers."""

    spec_path: str
    status_path: str
    selector_path: str


@dataclass(frozen=True)
class Definition:
    """The names of a kind and what kubectl shows of it."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...]
    scale: Scale | None = None
    api_version: str = API_VERSION
    categories: tuple[str, ...] = ("speaker",)
