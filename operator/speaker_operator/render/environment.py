"""What the containers that fetch models find in their environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FetchEnvironment:
    """The environment that every service's fetch is given: registries, mirrors, the way out."""

    values: Mapping[str, str] = field(default_factory=dict)
    """Variables with their values."""
    sources: Sequence[Mapping[str, Any]] = ()
    """Entries of a container's ``envFrom``; they name objects of the service's namespace."""

    def fields(self, credentials: str | None) -> dict[str, Any]:
        """The fields of a container.

        Args:
            credentials: Name of the Secret whose keys come last, and so win over other sources.
        """
        own = [] if credentials is None else [{"secretRef": {"name": credentials}}]
        rendered = {
            "env": [{"name": name, "value": self.values[name]} for name in sorted(self.values)],
            "envFrom": [*(dict(source) for source in self.sources), *own],
        }
        return {name: entries for name, entries in rendered.items() if entries}
