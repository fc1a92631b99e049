"""What is counted of the cache."""

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from speaker_runtime.services.cache.store import Size


class Kind(StrEnum):
    """What an entry is."""

    UTTERANCE = "utterance"
    """The samples of one utterance, as the model made them."""
    ANSWER = "answer"
    """The encoded bytes of one whole answer."""


class CacheMetrics:
    """The cache's metrics of one runtime process.

    Args:
        registry: Where they are registered.
        model: Value of the label ``model``.
    """

    def __init__(self, registry: CollectorRegistry, model: str) -> None:
        self._model = model

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, ["model", *labels], registry=registry)

        self._hits = counter(
            "tts_cache_hits", "Look-ups that found audio, by kind: utterance or answer.", "kind"
        )
        self._misses = counter(
            "tts_cache_misses", "Look-ups that found nothing, by kind: utterance or answer.", "kind"
        )
        for kind in Kind:  # so that they are there, at 0, before anything happens
            self._hits.labels(model, kind.value)
            self._misses.labels(model, kind.value)
        self._evictions = counter(
            "tts_cache_evictions", "Entries removed from the disk to make room."
        ).labels(model)
        self._damaged = counter(
            "tts_cache_damaged_entries", "Entries that could not be read back, and were removed."
        ).labels(model)
        self._skipped = counter(
            "tts_cache_skipped_entries",
            "Entries that were not kept, because too many others waited to be written.",
        ).labels(model)
        self._errors = counter(
            "tts_cache_errors",
            "Reads and writes that failed, by store: disk or shared. Requests go on without.",
            "store",
        )
        self._bytes = Gauge(
            "tts_cache_bytes", "Bytes held on disk.", ["model"], registry=registry
        ).labels(model)
        self._entries = Gauge(
            "tts_cache_entries", "Entries held on disk.", ["model"], registry=registry
        ).labels(model)

    def watch(self, size: Callable[[], Size]) -> None:
        """Ask ``size`` at every scrape how much is held."""
        self._bytes.set_function(lambda: size().bytes)
        self._entries.set_function(lambda: size().entries)

    def hit(self, kind: Kind) -> None:
        """A look-up found something."""
        self._hits.labels(self._model, kind.value).inc()

    def missed(self, kind: Kind, times: int) -> None:
        """So many look-ups found nothing."""
        self._misses.labels(self._model, kind.value).inc(times)

    def evicted(self) -> None:
        """An entry had to make room."""
        self._evictions.inc()

    def damaged(self) -> None:
        """An entry was not what it should be."""
        self._damaged.inc()

    def skipped(self) -> None:
        """An entry was not kept, for want of time."""
        self._skipped.inc()

    def failed(self, store: str) -> None:
        """A store could not read or write."""
        self._errors.labels(self._model, store).inc()
