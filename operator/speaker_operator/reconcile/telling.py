"""Tell people what became of an object: its status, and events of what changed in it."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from speaker_operator.api.v1alpha1 import TTSService
from speaker_operator.api.v1alpha1.common import Model
from speaker_operator.api.v1alpha1.status import ServiceStatus
from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.errors import KubeError, NamespaceEndingError, NotFoundError
from speaker_operator.kube.resources import JsonObject
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.reconcile.events import events

logger = logging.getLogger(__name__)


class Teller:
    """Writes statuses and posts events.

    Args:
        client: Of the API server.
        observe: Told every answer of the API server at once.
        metrics: Count the writes.
        instance: Who reports the events.
        clock: Now, with its zone.
    """

    def __init__(
        self,
        client: KubeClient,
        observe: Callable[[JsonObject], None],
        metrics: OperatorMetrics,
        instance: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._observe = observe
        self._metrics = metrics
        self._instance = instance
        self._clock = clock

    async def write(self, manifest: JsonObject, status: Model) -> bool:
        """Write a status if it differs from what is there; returns whether it did."""
        desired: dict[str, Any] = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        if desired == manifest.get("status"):
            return False
        metadata = manifest["metadata"]
        try:
            written = await self._client.apply_status(
                {
                    "apiVersion": manifest["apiVersion"],
                    "kind": manifest["kind"],
                    "metadata": {
                        "name": metadata["name"],
                        "namespace": metadata["namespace"],
                        "resourceVersion": metadata["resourceVersion"],
                    },
                    "status": desired,
                }
            )
        except NotFoundError:
            return False  # deleted meanwhile
        self._metrics.status_writes.labels(manifest["kind"]).inc()
        self._observe(written)
        return True

    async def post(self, service: TTSService, status: ServiceStatus) -> bool:
        """Post what changed; whether the service's namespace is there to stay."""
        for event in events(service, status, instance=self._instance, now=self._clock()):
            logger.info("%s: %s", event["reason"], event["note"])
            try:
                await self._client.create(event)
            except NamespaceEndingError:
                return False
            except KubeError as error:
                logger.warning("Event not posted: %s", error)
        return True
