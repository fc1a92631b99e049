"""On which nodes the pods of a speech service run."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.affinity import Affinity, Key
from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules
from speaker_operator.api.v1alpha1.common import (
    Labels,
    LabelSelector,
    LabelValue,
    Model,
    ObjectName,
)


class Toleration(Model):
    """A taint of nodes that the pods put up with."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.value) || self.operator != 'Exists'",
                "value does not go with operator Exists: remove value, or write operator: Equal",
                ".value",
            ),
            Rule(
                "has(self.key) || self.operator == 'Exists'",
                "key is missing: name the taint, or write operator: Exists to tolerate all taints",
                ".key",
                "FieldValueRequired",
            ),
            Rule(
                "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
                "tolerationSeconds goes with effect NoExecute: write effect: NoExecute, or remove "
                "tolerationSeconds",
                ".tolerationSeconds",
            ),
        )
    )

    key: (
        Annotated[
            str,
            StringConstraints(max_length=317),
            Check(
                "self.matches("
                "'^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
                "must be a taint's key: write for example dedicated or example.com/dedicated",
            ),
        ]
        | None
    ) = Field(default=None, description="Key of the taint; all taints where operator is Exists.")
    operator: Literal["Exists", "Equal"] = Field(
        default="Equal", description="Whether the taint's value matters (Equal) or not (Exists)."
    )
    value: LabelValue | None = Field(
        default=None, description="Value of the taint, for operator Equal."
    )
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; every effect unless given."
    )
    toleration_seconds: int | None = Field(
        default=None,
        ge=0,
        le=2**31 - 1,
        description="For NoExecute: seconds that a pod stays on a node after the taint appears.",
    )


class TopologySpread(Model):
    """How evenly the pods spread over groups of nodes."""

    topology_key: Key = Field(
        description="Label of nodes whose values are the groups, for example "
        "topology.kubernetes.io/zone."
    )
    max_skew: int = Field(
        default=1, ge=1, le=100, description="By how many pods two groups may differ."
    )
    when_unsatisfiable: Literal["ScheduleAnyway", "DoNotSchedule"] = Field(
        default="ScheduleAnyway",
        description="Whether a pod that would make it more uneven is placed all the same "
        "(ScheduleAnyway) or waits (DoNotSchedule).",
    )
    min_domains: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Fewest groups to spread over, with DoNotSchedule.",
    )
    label_selector: LabelSelector | None = Field(
        default=None, description="Pods that are counted; those of the service unless given."
    )
    match_label_keys: tuple[Key, ...] = Field(
        default=(),
        max_length=8,
        description="Labels by whose values pods are counted apart, for example pod-template-hash.",
    )
    node_affinity_policy: Literal["Honor", "Ignore"] | None = Field(
        default=None,
        description="Whether nodes that the pods may not run on are left out (Honor unless given).",
    )
    node_taints_policy: Literal["Honor", "Ignore"] | None = Field(
        default=None,
        description="Whether nodes whose taints the pods do not tolerate are left out (Ignore "
        "unless given).",
    )


class PlacementSpec(Model):
    """On which nodes the pods run."""

    node_selector: Labels = Field(
        default_factory=dict, description="Labels that a node must have, with these values."
    )
    tolerations: tuple[Toleration, ...] = Field(
        default_factory=tuple,
        max_length=16,
        description="Taints of nodes that the pods put up with.",
    )
    priority_class_name: ObjectName | None = Field(
        default=None, description="Priority class of the pods."
    )
    affinity: Affinity | None = Field(
        default=None,
        description="Which nodes and neighbours the pods need or prefer. The operator adds to it "
        "what gpu and cache need.",
    )
    topology_spread_constraints: tuple[TopologySpread, ...] = Field(
        default_factory=tuple,
        max_length=8,
        description="How evenly the pods spread over zones or nodes.",
    )
