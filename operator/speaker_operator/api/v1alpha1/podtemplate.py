"""The last word over a service's pods: what the spec has no field of its own for."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import GROUP, Labels, Model

OPEN: Final = {"x-kubernetes-preserve-unknown-fields": True}
"""Marks an object that takes every field that Kubernetes' own has."""

Name = Annotated[str, StringConstraints(max_length=63)]
Text = Annotated[str, StringConstraints(max_length=1024)]
MOST: Final = 16
"""Entries of each list."""

_NAMELESS: Final = "name is missing: lists are merged by it, for example name: runtime"


def _opened(*rules: Rule) -> ConfigDict:
    extra: dict[str, Any] = OPEN | (object_rules(*rules) if rules else {})
    return ConfigDict(extra="allow", json_schema_extra=extra)


class EnvironmentVariable(Model):
    """A variable of a container's environment."""

    model_config = _opened()

    name: Text = Field(description="Its name.", json_schema_extra=required(_NAMELESS))


class Mount(Model):
    """A volume that a container mounts."""

    model_config = _opened()

    mount_path: Text = Field(
        description="Where it is mounted.",
        json_schema_extra=required("mountPath is missing: mounts are merged by it"),
    )


class Container(Model):
    """A container: runtime and model-fetch are changed, any other one is added."""

    model_config = _opened()

    name: Name = Field(description="Its name.", json_schema_extra=required(_NAMELESS))
    image: Text | None = Field(default=None, description="Image of a container that is added.")
    command: tuple[Text, ...] | None = Field(
        default=None, max_length=64, description="Command of a container that is added."
    )
    args: tuple[Text, ...] | None = Field(
        default=None, max_length=64, description="Arguments of a container that is added."
    )
    env: tuple[EnvironmentVariable, ...] | None = Field(
        default=None, max_length=64, description="Environment, merged by name."
    )
    volume_mounts: tuple[Mount, ...] | None = Field(
        default=None, max_length=MOST, description="Mounts, merged by mountPath."
    )


class Volume(Model):
    """A volume of the pod."""

    model_config = _opened()

    name: Name = Field(description="Its name.", json_schema_extra=required(_NAMELESS))


def _own_container(field: str, name: str) -> Rule:
    return Rule(
        f"!has(self.{field}) || self.{field}.all(each, !has(each.name) || "
        f"each.name != '{name}' || "
        "!(has(each.image) || has(each.command) || has(each.args)))",
        f"image, command and args of container {name} are the operator's: name the image in "
        "spec.image, and leave command and args out",
        f".{field}",
        "FieldValueForbidden",
    )


_OWN_VOLUMES: Final = {
    "config": "it is the runtime's configuration",
    "model": "use spec.cache for it",
    "source": "use spec.model.source for it",
}


class PodTemplateSpec(Model):
    """Fields of the pod, as Kubernetes has them."""

    model_config = _opened(
        _own_container("containers", "runtime"),
        _own_container("initContainers", "model-fetch"),
        *(
            Rule(
                f"!has(self.volumes) || !self.volumes.exists(each, has(each.name) && "
                f"each.name == '{name}')",
                f"volume {name} is the operator's: {instead}, or give your volume another name",
                ".volumes",
                "FieldValueForbidden",
            )
            for name, instead in _OWN_VOLUMES.items()
        ),
        Rule(
            "!has(self.terminationGracePeriodSeconds)",
            "terminationGracePeriodSeconds follows from serving.drainSeconds: set that instead",
            ".terminationGracePeriodSeconds",
            "FieldValueForbidden",
        ),
        Rule(
            "!has(self.restartPolicy)",
            "restartPolicy is Always for every Deployment: leave it out",
            ".restartPolicy",
            "FieldValueForbidden",
        ),
    )

    containers: tuple[Container, ...] | None = Field(
        default=None, max_length=MOST, description="Containers, merged by name."
    )
    init_containers: tuple[Container, ...] | None = Field(
        default=None, max_length=MOST, description="Containers that run first, merged by name."
    )
    volumes: tuple[Volume, ...] | None = Field(
        default=None, max_length=MOST, description="Volumes, merged by name."
    )
    termination_grace_period_seconds: int | None = Field(
        default=None, description="Not to be given: it follows from serving.drainSeconds."
    )
    restart_policy: Name | None = Field(
        default=None, description="Not to be given: it is Always for every Deployment."
    )


Annotations = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=4096)]], Field(max_length=32)
]


class PodTemplateMetadata(Model):
    """Labels and annotations of the pods."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                f"!has(self.labels) || self.labels.all(key, !key.startsWith('{GROUP}/') && "
                "!key.startsWith('app.kubernetes.io/'))",
                f"labels that begin with {GROUP}/ or app.kubernetes.io/ are the operator's: use "
                "other ones",
                ".labels",
                "FieldValueForbidden",
            ),
            Rule(
                f"!has(self.annotations) || self.annotations.all(key, !key.startsWith('{GROUP}/'))",
                f"annotations that begin with {GROUP}/ are the operator's: use other ones",
                ".annotations",
                "FieldValueForbidden",
            ),
        )
    )

    labels: Labels = Field(default_factory=dict, description="Labels to add.")
    annotations: Annotations = Field(default_factory=dict, description="Annotations to add.")


class PodTemplate(Model):
    """The last word over the pods."""

    metadata: PodTemplateMetadata = Field(
        default_factory=PodTemplateMetadata, description="Labels and annotations of the pods."
    )
    spec: PodTemplateSpec = Field(
        default_factory=PodTemplateSpec,
        description="Any fields of a pod, merged over what the operator renders: objects field by "
        "field; containers, initContainers, volumes, env, ports, volumeMounts, imagePullSecrets, "
        "hostAliases and resourceClaims by their keys; any other list is replaced; null removes a "
        "field.",
    )
