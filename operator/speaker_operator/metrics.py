"""What Prometheus learns about the operator; one registry per process, handed to the parts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from speaker_operator.reasons import Reason

_RECONCILE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class OperatorMetrics:
    """Counters, gauges and histograms of one operator; durations are in seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = Counter(
            "speaker_operator_reconciles",
            "Finished reconciliations, by kind and result (ok, error).",
            ("kind", "result"),
            registry=self.registry,
        )
        self.reconcile_seconds = Histogram(
            "speaker_operator_reconcile_duration_seconds",
            "Duration of one reconciliation.",
            ("kind",),
            buckets=_RECONCILE_BUCKETS,
            registry=self.registry,
        )
        self.errors = Counter(
            "speaker_operator_reconcile_errors",
            "Failed reconciliations, by kind and reason.",
            ("kind", "reason"),
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "speaker_operator_queue_depth",
            "What waits, objects for a reconciliation and pods for voices: ready to run, or after "
            "an error until the backoff is over.",
            ("queue", "state"),
            registry=self.registry,
        )
        self.child_writes = Counter(
            "speaker_operator_child_writes",
            "Writes to the children of services, by their kind and verb (apply, delete).",
            ("kind", "verb"),
            registry=self.registry,
        )
        self.status_writes = Counter(
            "speaker_operator_status_writes",
            "Writes of a status, by kind.",
            ("kind",),
            registry=self.registry,
        )
        self.voice_syncs = Counter(
            "speaker_operator_voice_syncs",
            "Manifests of voices sent to pods, by result (Taken, PodUnreachable, PodRefuses).",
            ("result",),
            registry=self.registry,
        )
        self.api_requests = Counter(
            "speaker_operator_api_requests",
            "Requests to the API server, by verb, kind and outcome: a status code, or error.",
            ("verb", "kind", "code"),
            registry=self.registry,
        )
        self.api_seconds = Histogram(
            "speaker_operator_api_request_duration_seconds",
            "Duration of one request to the API server.",
            ("verb",),
            buckets=_REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.objects = Gauge(
            "speaker_operator_observed_objects",
            "Objects that the operator watches, by kind.",
            ("kind",),
            registry=self.registry,
        )
        self._service_state = Gauge(
            "speaker_operator_service_state",
            "1 for the reason that each service's Ready condition has now; `standing` is what the "
            "reason says: good, passing (it takes its time), at_rest or wrong.",
            ("service_namespace", "service_name", "reason", "standing"),
            registry=self.registry,
        )
        self._states: dict[tuple[str, str], tuple[str, str]] = {}
        self.synced = Gauge(
            "speaker_operator_synced",
            "Whether everything that the API server holds has been observed (1) or not (0).",
            registry=self.registry,
        )

        self.leading = Gauge(
            "speaker_operator_leading",
            "Whether this replica leads (1), or stands by (0).",
            registry=self.registry,
        )
        self.terms = Counter(
            "speaker_operator_terms",
            "How often this replica has begun to lead.",
            registry=self.registry,
        )

    def service_is(self, namespace: str, name: str, reason: Reason) -> None:
        """Tell how a service fares, in place of what was told of it before."""
        state = (reason.value, reason.standing.value)
        before = self._states.get((namespace, name))
        if before == state:
            return
        if before is not None:
            self._service_state.remove(namespace, name, *before)
        self._states[namespace, name] = state
        self._service_state.labels(namespace, name, *state).set(1)

    def service_is_gone(self, namespace: str, name: str) -> None:
        """Forget a service."""
        state = self._states.pop((namespace, name), None)
        if state is not None:
            self._service_state.remove(namespace, name, *state)

    def no_services(self) -> None:
        """Forget all services: another replica tells of them."""
        for namespace, name in tuple(self._states):
            self.service_is_gone(namespace, name)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)
