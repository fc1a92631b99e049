"""The GPUs of each pod of a speech service."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import Model, ObjectName, Quantity

DEFAULT_RESOURCE: Final = "nvidia.com/gpu"
LABELLED_VENDOR: Final = "nvidia.com/"
"""Whose resources the labels of GPU feature discovery are about."""

ResourceName = Annotated[
    str,
    StringConstraints(max_length=128),
    Check(
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
        "must be a resource that a device plugin offers: write for example nvidia.com/gpu or "
        "nvidia.com/mig-1g.10gb",
    ),
]

ProductName = Annotated[
    str,
    StringConstraints(max_length=56),
    Check(
        "self.matches('^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$')",
        "must be a product as the node's label has it: write for example NVIDIA-L4 or "
        "NVIDIA-A100-SXM4-80GB",
    ),
]

ClaimName = Annotated[
    str,
    StringConstraints(max_length=63),
    Check(
        "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "must be lower-case letters, digits and '-', with a letter or digit at both ends: write "
        "for example gpu",
    ),
]


class DeviceClaim(Model):
    """A claim of dynamic resource allocation (resource.k8s.io)."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "has(self.resourceClaimName) != has(self.resourceClaimTemplateName)",
                "a claim is either one that exists or made for each pod: write resourceClaimName "
                "or resourceClaimTemplateName, and not both",
            )
        )
    )

    name: ClaimName = Field(
        description="Name of the claim within the pod. Required.",
        json_schema_extra=required(
            "name is missing: name the claim within the pod, for example name: gpu"
        ),
    )
    resource_claim_name: ObjectName | None = Field(
        default=None, description="ResourceClaim of the namespace, which all pods share."
    )
    resource_claim_template_name: ObjectName | None = Field(
        default=None,
        description="ResourceClaimTemplate of the namespace, of which each pod gets a claim of its "
        "own.",
    )
    request: ClaimName | None = Field(
        default=None, description="Request of the claim to use; all unless given."
    )


_COUNTED: Final = ("count", "product", "memory", "resource")
_LABELLED: Final = f"!has(self.resource) || self.resource.startsWith('{LABELLED_VENDOR}')"


class GpuSpec(Model):
    """The GPUs of each pod."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.resourceClaims) || self.resourceClaims.size() == 0 || !("
                + " || ".join(f"has(self.{field})" for field in _COUNTED)
                + ")",
                "resourceClaims say themselves which devices: remove count, product, memory and "
                "resource, or remove resourceClaims",
                ".resourceClaims",
                "FieldValueForbidden",
            ),
            Rule(
                "!has(self.resourceClaims) || self.resourceClaims.size() == 0 || "
                "!self.fallbackToCPU",
                "fallbackToCPU looks for nodes that offer a resource, which resourceClaims do not "
                "name: remove fallbackToCPU, or write count instead of resourceClaims",
                ".fallbackToCPU",
                "FieldValueForbidden",
            ),
            Rule(
                f"{_LABELLED} || !has(self.product)",
                f"product is found by the labels of {LABELLED_VENDOR.rstrip('/')}'s feature "
                "discovery: remove it, and choose nodes by placement.nodeSelector",
                ".product",
                "FieldValueForbidden",
            ),
            Rule(
                f"{_LABELLED} || !has(self.memory)",
                f"memory is found by the labels of {LABELLED_VENDOR.rstrip('/')}'s feature "
                "discovery: remove it, and choose nodes by placement.nodeSelector",
                ".memory",
                "FieldValueForbidden",
            ),
        )
    )

    count: int | None = Field(
        default=None,
        ge=1,
        le=16,
        description="GPUs of each pod, 1 unless given. Each holds its own copy of the model.",
    )
    product: ProductName | None = Field(
        default=None,
        description="Product that the GPUs must be, as GPU feature discovery labels nodes "
        "(nvidia.com/gpu.product), for example NVIDIA-L4; one that is shared (-SHARED) counts as "
        "well. Any unless given.",
    )
    memory: Quantity | None = Field(
        default=None,
        description="Least memory of each GPU, as GPU feature discovery labels nodes "
        "(nvidia.com/gpu.memory), for example 20Gi.",
    )
    resource: ResourceName | None = Field(
        default=None,
        description="Resource to ask nodes for, nvidia.com/gpu unless given; for a part of a GPU "
        "for example nvidia.com/mig-1g.10gb. product and memory then look at that resource's "
        "labels. A taint of the same name is tolerated.",
    )
    resource_claims: tuple[DeviceClaim, ...] = Field(
        default_factory=tuple,
        max_length=8,
        description="Claims of dynamic resource allocation, instead of count and resource.",
    )
    runtime_class_name: ObjectName | None = Field(
        default=None,
        description="Runtime class of pods that use a GPU, where the node's container runtime "
        "needs one, for example nvidia.",
    )
    fallback_to_cpu: bool = Field(
        default=False,
        alias="fallbackToCPU",
        description="Whether the service runs on CPUs while no node of the cluster offers such "
        "GPUs, and goes on there when a GPU fails; status says when it does. Nodes whose GPUs are "
        "taken are waited for. Where nodes with GPUs are made on demand, leave it off.",
    )

    @property
    def counted_resource(self) -> str | None:
        """The resource to ask nodes for; None where claims ask instead."""
        return None if self.resource_claims else self.resource or DEFAULT_RESOURCE

    @property
    def amount(self) -> int:
        """How many of the resource each pod asks for."""
        return self.count or 1
