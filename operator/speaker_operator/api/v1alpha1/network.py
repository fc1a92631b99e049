"""Who may talk to the pods of a speech service, and with whom they may talk."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import LabelSelector, Model

MOST: Final = 16
"""Peers of each direction."""

AddressRange = Annotated[
    str,
    StringConstraints(max_length=43),
    Check(
        "self.matches('^[0-9a-fA-F:.]+/[0-9]{1,3}$')",
        "must be a range of addresses: write for example 10.0.0.0/8 or 2001:db8::/64",
    ),
]


class IPBlock(Model):
    """A range of addresses."""

    cidr: AddressRange = Field(
        description="The range, for example 10.0.0.0/8.",
        json_schema_extra=required("cidr is missing: write for example cidr: 10.0.0.0/8"),
    )
    exceptions: tuple[AddressRange, ...] = Field(
        default=(), max_length=MOST, alias="except", description="Ranges within it to leave out."
    )


class Peer(Model):
    """Pods by their labels, or a range of addresses."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "has(self.ipBlock) || has(self.podSelector) || has(self.namespaceSelector)",
                "names nobody: write podSelector, namespaceSelector or ipBlock; podSelector: {} "
                "is all pods of the namespace, namespaceSelector: {} those of all namespaces",
            ),
            Rule(
                "!has(self.ipBlock) || !(has(self.podSelector) || has(self.namespaceSelector))",
                "ipBlock stands alone: write it as an entry of its own, or remove it",
                ".ipBlock",
                "FieldValueForbidden",
            ),
        )
    )

    pod_selector: LabelSelector | None = Field(default=None, description="Labels of the pods.")
    namespace_selector: LabelSelector | None = Field(
        default=None, description="Labels of their namespaces; the service's own unless given."
    )
    ip_block: IPBlock | None = Field(
        default=None, description="A range of addresses outside the cluster."
    )


Peers = Annotated[tuple[Peer, ...], Field(max_length=MOST)]


class NetworkPolicySpec(Model):
    """Who may talk to the pods, and with whom they may talk."""

    enabled: bool = Field(
        default=False,
        description="Whether there is a NetworkPolicy. It takes a network plugin that enforces it.",
    )
    allow_from: Peers | None = Field(
        default=None,
        description="Who may send requests, and scrape metrics: all pods of the namespace unless "
        "given; an empty list lets nobody. The operator and the kubelet's probes always pass.",
    )
    allow_to: Peers | None = Field(
        default=None,
        description="With whom the pods may talk, beside the cluster's DNS: everybody unless "
        "given. List where the model comes from, and the shared audio cache.",
    )
