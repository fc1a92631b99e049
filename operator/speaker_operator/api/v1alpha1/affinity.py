"""Affinity of pods, in the words and with the meaning of Kubernetes' own."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from speaker_operator.api.v1alpha1.common import LabelSelector, LabelValue, Model

Key = Annotated[str, StringConstraints(min_length=1, max_length=317)]
NamespaceName = Annotated[str, StringConstraints(max_length=63)]
MOST: Final = 8
"""Entries of each list."""


class NodeRequirement(Model):
    """One condition on a node."""

    key: Key = Field(description="Key of the node's label, or name of its field.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        description="How the node's value relates to values."
    )
    values: tuple[LabelValue, ...] = Field(
        default=(),
        max_length=32,
        description="Values to compare with: none for Exists and DoesNotExist, one whole number "
        "for Gt and Lt.",
    )


class NodeTerm(Model):
    """Conditions on a node, all of which must hold."""

    match_expressions: tuple[NodeRequirement, ...] = Field(
        default=(), max_length=MOST, description="Conditions on the node's labels."
    )
    match_fields: tuple[NodeRequirement, ...] = Field(
        default=(), max_length=MOST, description="Conditions on the node's fields (metadata.name)."
    )


class NodeSelector(Model):
    """Which nodes are allowed."""

    node_selector_terms: tuple[NodeTerm, ...] = Field(
        min_length=1, max_length=MOST, description="A node that one of these terms fits is allowed."
    )


Weight = Annotated[int, Field(ge=1, le=100)]


class PreferredNodes(Model):
    """Nodes that are preferred."""

    weight: Weight = Field(description="How much, from 1 to 100.")
    preference: NodeTerm = Field(description="Which nodes.")


class NodeAffinity(Model):
    """Which nodes pods need, and which they prefer."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = Field(
        default=None, description="Which nodes are allowed; all unless given."
    )
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredNodes, ...] = Field(
        default=(), max_length=MOST, description="Which of the allowed nodes are preferred."
    )


class PodTerm(Model):
    """Pods to be near to, or far from."""

    label_selector: LabelSelector | None = Field(default=None, description="Labels of those pods.")
    namespace_selector: LabelSelector | None = Field(
        default=None, description="Labels of their namespaces; an empty selector means all."
    )
    namespaces: tuple[NamespaceName, ...] = Field(
        default=(), max_length=MOST, description="Their namespaces; the service's own unless given."
    )
    topology_key: Key = Field(
        description="Label of nodes that says what near means, for example kubernetes.io/hostname."
    )


class PreferredPods(Model):
    """Pods whose nearness, or distance, is preferred."""

    weight: Weight = Field(description="How much, from 1 to 100.")
    pod_affinity_term: PodTerm = Field(description="Which pods.")


class PodAffinity(Model):
    """Pods to be near to; as podAntiAffinity, to be far from."""

    required_during_scheduling_ignored_during_execution: tuple[PodTerm, ...] = Field(
        default=(), max_length=MOST, description="What must hold."
    )
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredPods, ...] = Field(
        default=(), max_length=MOST, description="What is preferred."
    )


class Affinity(Model):
    """Which nodes, and the neighbourhood of which pods, the pods need or prefer."""

    node_affinity: NodeAffinity | None = Field(default=None, description="Which nodes.")
    pod_affinity: PodAffinity | None = Field(
        default=None, description="Which pods to share a node, or a zone, with."
    )
    pod_anti_affinity: PodAffinity | None = Field(
        default=None, description="Which pods to share no node, or no zone, with."
    )
