"""Where a speech service is reached: inside the cluster, and from outside of it."""

from typing import Annotated

from pydantic import Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, required
from speaker_operator.api.v1alpha1.common import Duration, Model, ObjectName

Hostname = Annotated[
    str,
    StringConstraints(max_length=253),
    Check(
        "self.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
        "must be a host name, in lower case: write for example speech.example.com or *.example.com",
    ),
]

Annotations = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=4096)]],
    Field(max_length=32),
    Check(
        "self.all(key, key.size() <= 317 && "
        "key.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$'))",
        "keys must be those of annotations: write for example example.com/timeout",
    ),
]


class ParentReference(Model):
    """A Gateway, or one of its listeners."""

    name: ObjectName = Field(
        description="Name of the Gateway.",
        json_schema_extra=required("name is missing: write the name of a Gateway"),
    )
    namespace: ObjectName | None = Field(
        default=None, description="Its namespace; the service's own unless given."
    )
    section_name: ObjectName | None = Field(
        default=None, description="One of its listeners; all that fit unless given."
    )


class HTTPRouteSpec(Model):
    """A route of the Gateway API."""

    parent_refs: Annotated[tuple[ParentReference, ...], Field(min_length=1, max_length=8)] = Field(
        description="The Gateways that lead to the service.",
        json_schema_extra=required(
            "parentRefs is missing: write for example parentRefs: [{name: public}]"
        ),
    )
    hostnames: Annotated[tuple[Hostname, ...], Field(max_length=16)] = Field(
        default=(), description="Host names to answer to; all of the Gateway's unless given."
    )
    timeout: Duration | None = Field(
        default=None,
        description="Longest time of a request, speech included; 0s is for ever, and the Gateway "
        "decides unless given.",
    )
    annotations: Annotations = Field(
        default_factory=dict, description="Annotations of the HTTPRoute, for the Gateway in charge."
    )


class IngressSpec(Model):
    """An Ingress."""

    host: Hostname = Field(
        description="Host name to answer to.",
        json_schema_extra=required("host is missing: write for example host: speech.example.com"),
    )
    class_name: ObjectName | None = Field(
        default=None, description="IngressClass in charge; the cluster's default unless given."
    )
    tls_secret: ObjectName | None = Field(
        default=None, description="Secret with the certificate; plain HTTP unless given."
    )
    annotations: Annotations = Field(
        default_factory=dict,
        description="Annotations of the Ingress: how its controller is told not to buffer speech, "
        "and to wait for it.",
    )


class ExposeSpec(Model):
    """Where the service is reached."""

    port: int = Field(
        default=80, ge=1, le=65_535, description="Port of the Kubernetes Service, for HTTP."
    )
    http_route: HTTPRouteSpec | None = Field(
        default=None,
        alias="httpRoute",
        description="Lets Gateways lead to the service from outside, by an HTTPRoute; it takes the "
        "Gateway API in the cluster.",
    )
    ingress: IngressSpec | None = Field(
        default=None, description="Leads to the service from outside, by an Ingress."
    )
