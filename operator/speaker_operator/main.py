"""The operator's process: build the parts, register them with kopf, run until told to stop."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import kopf

from speaker_operator import health, logs
from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.connection import NoClusterError, connection_info
from speaker_operator.kube.limiter import RateLimiter
from speaker_operator.kube.resources import WATCHED
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.nodes import NodeInventory
from speaker_operator.reconcile.observe import Observer, selector_of
from speaker_operator.reconcile.optional import ScaledObjects
from speaker_operator.reconcile.queue import ReconcileQueue
from speaker_operator.reconcile.reconciler import Reconciler
from speaker_operator.reconcile.resync import Resync
from speaker_operator.reconcile.signingkey import load_signer
from speaker_operator.reconcile.store import Store
from speaker_operator.reconcile.voicesync import VoiceSync
from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.settings import RenderSettings
from speaker_operator.settings import InvalidSettingsError, Settings, load
from speaker_operator.tracing import NO_TRACING, Tracing, TracingUnavailableError, load_tracing

logger = logging.getLogger(__name__)

_RUN_TIMEOUT_SECONDS: Final = 60.0
"""Longest reconciliation of one object."""
_SYNC_TIMEOUT_SECONDS: Final = 10.0
_SYNCS_AT_ONCE: Final = 64
_STUCK_SECONDS: Final = 2 * _RUN_TIMEOUT_SECONDS
"""Without progress for so long, the process is better started anew."""
_KEY_NAMESPACE: Final = "default"
"""Where the key is kept by an operator that runs in no namespace."""
_MISCONFIGURED: Final = 2


def main() -> None:
    """Run the operator; the console script ``speaker-operator``."""
    try:
        settings = load()
        connection_info()
        tracing = load_tracing()
    except (InvalidSettingsError, NoClusterError, TracingUnavailableError) as error:
        sys.stderr.write(f"speaker-operator cannot start: {error}\n")
        sys.exit(_MISCONFIGURED)
    _configure_logging(settings)
    try:
        asyncio.run(run(settings, tracing))
    except asyncio.CancelledError:
        logger.info("Stopped before it was ready")
    except Exception:  # the process ends either way; this way its log says why
        logger.exception("The operator cannot go on; it is best started anew")
        sys.exit(1)
    finally:
        tracing.close()


async def run(settings: Settings, tracing: Tracing = NO_TRACING) -> None:
    """Run until SIGTERM or SIGINT; raises what kopf raises if watching fails for good."""
    metrics = OperatorMetrics()
    store = Store(metrics)
    async with AsyncExitStack() as stack:
        _stop_on_signals()
        client = await stack.enter_async_context(_client(settings, metrics, tracing))
        resync = Resync(
            client,
            store,
            namespaces=settings.namespaces,
            interval_seconds=settings.resync_seconds,
            backoff=Backoff(base_seconds=0.5, cap_seconds=30),
            metrics=metrics,
        )
        queue = ReconcileQueue(
            name="objects",
            concurrency=settings.concurrency,
            backoff=Backoff(),
            run_timeout_seconds=_RUN_TIMEOUT_SECONDS,
            metrics=metrics,
            tracing=tracing,
        )
        pods = ReconcileQueue(
            name="pods",
            concurrency=_SYNCS_AT_ONCE,
            backoff=Backoff(cap_seconds=30),
            run_timeout_seconds=_SYNC_TIMEOUT_SECONDS,
            metrics=metrics,
            tracing=tracing,
        )
        observer = Observer(store, queue, on_relist=resync.soon)
        nodes = NodeInventory(client, store, queue, interval_seconds=settings.node_check_seconds)
        scaled_objects = ScaledObjects(
            client,
            store,
            observer,
            queue,
            namespaces=settings.namespaces,
            check_seconds=settings.kind_check_seconds,
            backoff=Backoff(cap_seconds=30),
        )
        port = await stack.enter_async_context(
            health.serve(
                settings.http_host,
                settings.http_port,
                live=lambda: _stuck(queue, resync),
                ready=lambda: resync.trouble,
                metrics=metrics,
            )
        )
        logger.info("Serving /healthz, /readyz and /metrics on port %d", port)
        namespace = settings.own_namespace or _KEY_NAMESPACE
        signer = await resync.await_access(partial(load_signer, client, namespace))
        sync = VoiceSync(
            store=store,
            pods=await stack.enter_async_context(PodClient()),
            signer=signer,
            work=pods,
            services=queue,
            metrics=metrics,
        )
        reconciler = Reconciler(
            client=client,
            store=store,
            observer=observer,
            queue=queue,
            settings=_render_settings(settings, signer.public_key),
            nodes=nodes,
            scaled_objects=scaled_objects,
            sync=sync,
            instance=socket.gethostname(),
            clock=lambda: datetime.now(UTC),
            metrics=metrics,
        )
        work = (
            queue.run(reconciler.reconcile),
            pods.run(sync.sync),
            resync.run(observer),
            nodes.run(),
            scaled_objects.run(),
            _open_when_synced((queue, pods), resync, scaled_objects),
        )
        await _watch_until_stopped(settings, observer, work)


async def _watch_until_stopped(
    settings: Settings, observer: Observer, work: Iterable[Coroutine[Any, Any, None]]
) -> None:
    """Watch with kopf, and work on what it observes; when either ends, so does the other.

    SIGTERM ends the watching. Raises what either of them raises.
    """
    working = asyncio.gather(*work)
    await asyncio.sleep(0)  # kopf ends whatever tasks began after it: let the workers begin first
    watching = asyncio.ensure_future(
        kopf.operator(
            registry=_registry(observer),
            settings=_kopf_settings(settings),
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
        )
    )
    both: set[asyncio.Future[Any]] = {working, watching}
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
    for task in done:
        task.result()


async def _open_when_synced(
    queues: Iterable[ReconcileQueue], resync: Resync, scaled_objects: ScaledObjects
) -> None:
    await resync.synced.wait()
    await scaled_objects.looked.wait()
    logger.info("Everything in the cluster has been observed: reconciling")
    for queue in queues:
        queue.open()


def _registry(observer: Observer) -> kopf.OperatorRegistry:
    """Register with kopf what the operator wants to hear of; ``on.event`` writes to no object."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return connection_info()

    async def observe(event: kopf.RawEvent, **_: Any) -> None:
        observer.event(event["type"], dict(event["object"]))

    for resource in WATCHED:
        kopf.on.event(resource.group, resource.version, resource.plural, registry=registry)(observe)
    return registry


def _kopf_settings(settings: Settings) -> kopf.OperatorSettings:
    """Bound every wait; kopf's own discovery of new kinds and namespaces is not needed."""
    result = kopf.OperatorSettings()
    result.posting.enabled = False
    result.scanning.disabled = True
    result.networking.connect_timeout = 5
    result.networking.request_timeout = settings.api_timeout_seconds
    result.networking.error_backoffs = (0.2, 0.5, 1, 2, 2)
    result.watching.connect_timeout = 5
    result.watching.server_timeout = 300
    result.watching.client_timeout = 330
    result.process.ultimate_exiting_timeout = 10
    for resource in WATCHED:
        selector = selector_of(resource)
        if selector:
            key = (resource.group, resource.version, resource.plural)
            result.watching.label_selectors[key] = selector
    return result


def _render_settings(settings: Settings, public_key: str) -> RenderSettings:
    return RenderSettings(
        public_key=public_key,
        images=ImageSettings(
            settings.runtime_image, settings.runtime_pull_policy, settings.runtime_pull_secrets
        ),
        operator_namespace=settings.own_namespace,
        fetch=FetchEnvironment(
            values=settings.model_fetch_env,
            sources=[each.to_manifest() for each in settings.model_fetch_env_from],
        ),
    )


def _client(settings: Settings, metrics: OperatorMetrics, tracing: Tracing) -> KubeClient:
    return KubeClient(
        connection_info,
        metrics=metrics,
        limiter=RateLimiter(settings.api_requests_per_second, settings.api_request_burst),
        timeout_seconds=settings.api_timeout_seconds,
        tracing=tracing,
    )


def _stuck(queue: ReconcileQueue, resync: Resync) -> str:
    if queue.stalled_for() > _STUCK_SECONDS:
        return f"no reconciliation began or ended for {queue.stalled_for():.0f} s"
    if resync.behind_for() > _STUCK_SECONDS:
        return f"the watches have been behind for {resync.behind_for():.0f} s"
    return ""


def _stop_on_signals() -> None:
    """Until kopf takes the signals over, they cancel the whole operator."""
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _configure_logging(settings: Settings) -> None:
    log_format = kopf.LogFormat.JSON if settings.log_format == "json" else kopf.LogFormat.FULL
    kopf.configure(verbose=settings.log_level == "debug", log_format=log_format)
    level = settings.log_level.upper()
    logging.getLogger().setLevel(level)
    logs.configure(settings.log_format)
    # kopf speaks of every event that it hands on; at "info" only its warnings are of interest.
    logging.getLogger("kopf").setLevel(level if settings.log_level == "debug" else logging.WARNING)
