"""Keys, and metrics whose values a test can read."""

import hashlib

from prometheus_client import CollectorRegistry

from speaker_runtime.services.cache.metrics import CacheMetrics


class Counted:
    """Metrics of a model called ``tone``."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.metrics = CacheMetrics(self._registry, "tone")

    def value(self, name: str, **labels: str) -> float:
        """What is counted under ``name``."""
        return self._registry.get_sample_value(name, {"model": "tone", **labels}) or 0.0


def key(number: int) -> str:
    """The key of an entry, by its number."""
    return hashlib.sha256(str(number).encode()).hexdigest()
