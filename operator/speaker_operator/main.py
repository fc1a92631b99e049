"""The operator's process: build the parts, register them with kopf, run until told to stop."""

import asyncio
import logging
import socket
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

import kopf
import uvloop

from speaker_operator import health, logs
from speaker_operator.kube.client import KubeClient
from speaker_operator.kube.clock import ServerClock
from speaker_operator.kube.connection import NoClusterError, connection_info
from speaker_operator.kube.guard import Guard, unguarded
from speaker_operator.kube.limiter import RateLimiter
from speaker_operator.kube.resources import MADE, Key
from speaker_operator.kube.transport import Transport
from speaker_operator.metrics import OperatorMetrics
from speaker_operator.pods.client import PodClient
from speaker_operator.reconcile.backoff import Backoff
from speaker_operator.reconcile.caches import CacheKeeper
from speaker_operator.reconcile.cacheusers import CACHE_KIND, CacheUsers
from speaker_operator.reconcile.elector import Elector
from speaker_operator.reconcile.feed import Feed, follow
from speaker_operator.reconcile.lease import Timing
from speaker_operator.reconcile.nodes import NodeInventory
from speaker_operator.reconcile.observe import Observer
from speaker_operator.reconcile.optional import OPTIONAL_KINDS, Follower, OptionalKinds
from speaker_operator.reconcile.queue import Handler, ReconcileQueue
from speaker_operator.reconcile.reconciler import Reconciler
from speaker_operator.reconcile.references import References
from speaker_operator.reconcile.resync import Resync
from speaker_operator.reconcile.secrets import SecretVersions
from speaker_operator.reconcile.signingkey import load_signer
from speaker_operator.reconcile.store import Store
from speaker_operator.reconcile.surroundings import settings_for
from speaker_operator.reconcile.term import Terms
from speaker_operator.reconcile.voicesync import VoiceSync
from speaker_operator.render.environment import FetchEnvironment
from speaker_operator.render.images import ImageSettings
from speaker_operator.render.settings import RenderSettings
from speaker_operator.settings import InvalidSettingsError, Settings, load
from speaker_operator.tracing import NO_TRACING, Tracing, TracingUnavailableError, load_tracing
from speaker_operator.watching import stop_on_signals, watch

logger = logging.getLogger(__name__)

_RUN_TIMEOUT_SECONDS: Final = 60.0
"""Longest reconciliation of one object."""
_SYNC_TIMEOUT_SECONDS: Final = 10.0
_SYNCS_AT_ONCE: Final = 64
_STUCK_SECONDS: Final = 2 * _RUN_TIMEOUT_SECONDS
"""Without progress for so long, the process is better started anew."""
_OWN_NAMESPACE: Final = "default"
"""Where key and lease are kept by an operator that runs in no namespace."""
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
        uvloop.run(run(settings, tracing))
    except asyncio.CancelledError:
        logger.info("Stopped")
    except Exception:  # the process ends either way; this way its log says why
        logger.exception("The operator cannot go on; it is best started anew")
        sys.exit(1)
    finally:
        tracing.close()


async def run(settings: Settings, tracing: Tracing = NO_TRACING) -> None:
    """Run until SIGTERM or SIGINT cancel it."""
    stop = _cancel_this_task()
    stop_on_signals(stop)
    metrics, clock = OperatorMetrics(), ServerClock()
    store = Store(metrics)
    async with AsyncExitStack() as stack:
        free = await stack.enter_async_context(_client(settings, metrics, clock))
        namespace = settings.own_namespace or _OWN_NAMESPACE
        timing = Timing(settings.lease_seconds)
        elector = Elector(
            free,
            namespace=namespace,
            name=settings.lease_name,
            identity=f"{socket.gethostname()}_{uuid.uuid4()}",
            timing=timing,
            clock=_passed,
            now=clock.now,
            metrics=metrics,
        )
        client = await stack.enter_async_context(
            _client(
                settings,
                metrics,
                clock,
                tracing=tracing,
                guard=elector.check,
                unacknowledged_seconds=timing.grace_seconds,
            )
        )
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
        users = CacheUsers()
        observer = Observer(store, users, queue, on_relist=resync.soon)
        feeds = [
            Feed(resource, namespace, client=client, store=store, observer=observer)
            for resource in MADE
            for namespace in (settings.namespaces or (None,))
        ]
        nodes = NodeInventory(client, store, queue, interval_seconds=settings.node_check_seconds)
        optional = OptionalKinds(
            Follower(
                each,
                client,
                store,
                observer,
                queue,
                namespaces=settings.namespaces,
                check_seconds=settings.kind_check_seconds,
                backoff=Backoff(cap_seconds=30),
            )
            for each in OPTIONAL_KINDS
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
        signer = await resync.await_access(partial(load_signer, free, namespace, clock.time))
        pod_client = await stack.enter_async_context(PodClient())
        references = References(client, queue)
        stack.callback(references.rest)
        sync = VoiceSync(
            store=store,
            pods=pod_client,
            signer=signer,
            references=references,
            work=pods,
            services=queue,
            metrics=metrics,
        )
        render_settings = _render_settings(settings, signer.public_key)
        secrets = SecretVersions(client, queue, enabled=settings.watch_secrets)
        stack.callback(secrets.close)
        caches = CacheKeeper(
            client=client,
            store=store,
            users=users,
            pods=pod_client,
            secrets=secrets,
            queue=queue,
            polls=pods,
            observe=observer.present,
            settings_for=partial(settings_for, settings=render_settings, nodes=nodes),
            settings=render_settings,
            retry_seconds=settings.model_fetch_retry_seconds,
            clock=clock.now,
            metrics=metrics,
        )
        reconciler = Reconciler(
            client=client,
            store=store,
            observer=observer,
            queue=queue,
            settings=render_settings,
            nodes=nodes,
            optional=optional,
            sync=sync,
            caches=caches,
            references=references,
            instance=socket.gethostname(),
            clock=clock.now,
            metrics=metrics,
        )
        terms = Terms(elector, resync, (queue, pods), begin=reconciler.begin, rest=reconciler.rest)
        await _work(
            watch(settings, observer, stop),
            follow(feeds),
            queue.run(reconciler.reconcile),
            pods.run(_while(elector.check, _asking(sync, caches))),
            resync.run(observer),
            nodes.run(),
            optional.run(),
            elector.run(resync.synced, *optional.looked),
            terms.run(),
            end=terms.end,
        )


async def _work(*parts: Coroutine[Any, Any, None], end: Callable[[], Awaitable[None]]) -> None:
    """Run all parts until one ends, or this is cancelled; raises what the part raised.

    Args:
        parts: What is to run.
        end: What comes before they are cancelled.
    """
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _while(check: Callable[[], None], handler: Handler) -> Handler:
    """The handler, which begins only if the check passes."""

    async def checked(key: Key) -> None:
        check()
        await handler(key)

    return checked


def _asking(sync: VoiceSync, caches: CacheKeeper) -> Handler:
    """Those pods that serve are told of voices, and others asked how far their fetch is."""

    async def ask(key: Key) -> None:
        await (caches.poll(key) if key.kind == CACHE_KIND else sync.sync(key))

    return ask


def _passed() -> float:
    """Seconds that have passed, also while the machine slept, where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _render_settings(settings: Settings, public_key: str) -> RenderSettings:
    return RenderSettings(
        public_key=public_key,
        images=ImageSettings(
            settings.runtime_image, settings.runtime_pull_policy, settings.runtime_pull_secrets
        ),
        operator_namespace=settings.own_namespace,
        allow_private_addresses=settings.voice_private_addresses,
        fetch=FetchEnvironment(
            values=settings.model_fetch_env,
            sources=[each.to_manifest() for each in settings.model_fetch_env_from],
        ),
    )


def _client(
    settings: Settings,
    metrics: OperatorMetrics,
    clock: ServerClock,
    *,
    tracing: Tracing = NO_TRACING,
    guard: Guard = unguarded,
    unacknowledged_seconds: float | None = None,
) -> KubeClient:
    transport = Transport(
        connection_info,
        metrics=metrics,
        limiter=RateLimiter(settings.api_requests_per_second, settings.api_request_burst),
        timeout_seconds=settings.api_timeout_seconds,
        tracing=tracing,
        clock=clock,
        guard=guard,
        unacknowledged_seconds=unacknowledged_seconds,
    )
    return KubeClient(transport)


def _stuck(queue: ReconcileQueue, resync: Resync) -> str:
    if queue.stalled_for() > _STUCK_SECONDS:
        return f"no reconciliation began or ended for {queue.stalled_for():.0f} s"
    if resync.behind_for() > _STUCK_SECONDS:
        return f"the watches have been behind for {resync.behind_for():.0f} s"
    return ""


def _cancel_this_task() -> Callable[[], object]:
    task = asyncio.current_task()
    return task.cancel if task is not None else lambda: None


def _configure_logging(settings: Settings) -> None:
    log_format = kopf.LogFormat.JSON if settings.log_format == "json" else kopf.LogFormat.FULL
    kopf.configure(verbose=settings.log_level == "debug", log_format=log_format)
    level = settings.log_level.upper()
    logging.getLogger().setLevel(level)
    logs.configure(settings.log_format)
    # kopf speaks of every event that it hands on; at "info" only its warnings are of interest.
    logging.getLogger("kopf").setLevel(level if settings.log_level == "debug" else logging.WARNING)
