"""Notices when a Secret that a fetch depends on changes, without ever reading what is in it."""

import asyncio
import logging
from typing import Final

from speaker_operator.kube.client import KubeClient, Versions
from speaker_operator.kube.resources import SECRET, Key
from speaker_operator.reconcile.queue import Queue
from speaker_operator.reconcile.versionwatch import VersionWatch

logger = logging.getLogger(__name__)

_FIRST_SECONDS: Final = 5.0
_MOST: Final = 64
"""Secrets that are watched at once; fetches beyond are tried again as others are, later and later.
"""


class SecretVersions:
    """Watches the metadata of single Secrets, each only while a fetch that names it is not done.

    Args:
        client: Speaks to the API server.
        queue: Where caches are put whose Secret has changed.
        enabled: Whether the operator may watch Secrets at all.
    """

    def __init__(self, client: KubeClient, queue: Queue, *, enabled: bool) -> None:
        self._client = client
        self._queue = queue
        self._enabled = enabled
        self._watches: dict[Key, _Watch] = {}

    async def follow(self, cache: Key, namespace: str, name: str | None) -> str:
        """The version of a cache's Secret, from now on told anew whenever it changes.

        Empty if nobody can tell, ``absent`` if there is no such Secret.
        """
        if name is None or not self._enabled:
            self.leave(cache)
            return ""
        watch = self._watches.get(cache)
        if watch is not None and watch.name != name:
            self.leave(cache)
            watch = None
        if watch is None:
            if len(self._watches) >= _MOST:
                return ""
            watch = self._watches[cache] = _Watch(self._client, self._queue, cache, namespace, name)
        return await watch.version()

    def leave(self, cache: Key) -> None:
        """Stop watching for a cache."""
        watch = self._watches.pop(cache, None)
        if watch is not None:
            watch.stop()

    def close(self) -> None:
        """Stop watching."""
        for cache in list(self._watches):
            self.leave(cache)


class _Watch:
    def __init__(
        self, client: KubeClient, queue: Queue, cache: Key, namespace: str, name: str
    ) -> None:
        self.name = name
        self._queue = queue
        self._cache = cache
        self._namespace = namespace
        self._version = ""
        self._known = asyncio.Event()
        self._watch = VersionWatch(
            client, SECRET, namespace, name, heard=self._note, unheard=self._known.set
        )

    async def version(self) -> str:
        """The version as it is known, or will be in a moment."""
        try:
            async with asyncio.timeout(_FIRST_SECONDS):
                await self._known.wait()
        except TimeoutError:
            logger.debug("Secret %s/%s cannot be watched yet", self._namespace, self.name)
        return self._version

    def stop(self) -> None:
        self._watch.stop()

    def _note(self, versions: Versions) -> None:
        version = versions.states.get(self.name) or "absent"
        news = self._known.is_set() and version != self._version
        self._version = version
        self._known.set()
        if news:
            self._queue.add(self._cache)
