"""KEDA as the autoscaler: where it reads the load, and what it does with it."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import Duration, Model, ObjectName, lasting

MOST_TRIGGERS: Final = 8

Address = Annotated[
    str,
    StringConstraints(max_length=1024),
    Check(
        "self.matches('^https?://[^ ]+$')",
        "must be the address of a server: write for example http://prometheus.monitoring:9090",
    ),
]

Expression = Annotated[str, StringConstraints(min_length=1, max_length=4096)]

Text = Annotated[str, StringConstraints(max_length=4096)]

PollingInterval = Annotated[Duration, lasting(at_least="1s", at_most="1h", example="15s")]


class KedaTrigger(Model):
    """A trigger as KEDA's documentation describes it."""

    type: Annotated[
        str,
        StringConstraints(max_length=63),
        Check(
            "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
            "must be the type of a KEDA trigger: write for example cron",
        ),
    ] = Field(
        description="Type of the trigger, for example cron.",
        json_schema_extra=required("type is missing: write for example type: cron"),
    )
    metadata: Annotated[dict[str, Text], Field(max_length=32)] = Field(
        default_factory=dict, description="Settings of the trigger; every value is a string."
    )
    trigger_authentication: ObjectName | None = Field(
        default=None, description="Name of a TriggerAuthentication of the namespace."
    )


class KedaSpec(Model):
    """Where KEDA reads the load."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "has(self.serverAddress) || !(has(self.query) || has(self.waitingQuery) || "
                "has(self.triggerAuthentication))",
                "query, waitingQuery and triggerAuthentication are about Prometheus: write where "
                "it is, for example serverAddress: http://prometheus.monitoring:9090",
                ".serverAddress",
            )
        )
    )

    server_address: Address | None = Field(
        default=None,
        description="Address of the Prometheus that scrapes the service's pods, as KEDA reaches "
        "it.",
    )
    query: Expression | None = Field(
        default=None,
        description="PromQL expression for the seconds of speech that wait in all pods of the "
        "service together. By default the sum of tts_queued_audio_seconds over the pods, by the "
        "labels namespace and pod.",
    )
    waiting_query: Expression | None = Field(
        default=None,
        description="PromQL expression for the seconds of speech that wait for the service outside "
        "of its pods, in a gateway for example. It counts like speech that waits in the pods, and "
        "wakes a service that has none.",
    )
    trigger_authentication: ObjectName | None = Field(
        default=None,
        description="Name of the TriggerAuthentication of the namespace that Prometheus is asked "
        "with, if it asks for a login.",
    )
    triggers: tuple[KedaTrigger, ...] = Field(
        default=(),
        max_length=MOST_TRIGGERS,
        description="Further triggers, in KEDA's own terms: cron for hours of business, or "
        "whatever else tells that somebody is about to speak. The one that asks for most pods "
        "wins.",
    )
    polling_interval: PollingInterval = Field(
        default="15s",
        description="How often KEDA looks at the triggers of a service without pods, from 1s to "
        "1h: so long it takes at most until it is woken. With pods, the cluster's autoscaler asks "
        "at its own pace.",
    )
