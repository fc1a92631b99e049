"""Recordings that a voice is to sound like, and the leave to use them."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import Model, ObjectName
from speaker_operator.api.v1alpha1.status import Time
from speaker_runtime.contract import MOST_CLIPS

_PLACES: Final = ("secretKeyRef", "configMapKeyRef", "uri", "claim")

DataKey = Annotated[
    str,
    StringConstraints(max_length=253),
    Check(
        "self.matches('^[-._a-zA-Z0-9]+$')",
        "must be a key of a Secret or ConfigMap: letters, digits, '-', '_' and '.', for example "
        "ana.wav",
    ),
]

AudioUri = Annotated[
    str,
    StringConstraints(max_length=2048),
    Check(
        "self.matches('^https?://[A-Za-z0-9.-]+(:[0-9]+)?/[^ #]*$') && !self.contains('@')",
        "must be an address of a file: write https://HOST/PATH, without a user or password",
    ),
]

AudioDigest = Annotated[
    str,
    StringConstraints(max_length=71),
    Check(
        "self.matches('^sha256:[0-9a-f]{64}$')",
        "must be the digest of the file: write sha256: and what sha256sum prints",
    ),
]

FilePath = Annotated[
    str,
    StringConstraints(max_length=1024),
    Check(
        "self.matches('^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$') && "
        "!self.matches('(^|/)[.][.]?(/|$)')",
        "must be the path of a file within the volume: write for example takes/one.wav",
    ),
]


class DataKeyRef(Model):
    """One entry of a Secret or ConfigMap of the namespace."""

    name: ObjectName = Field(
        description="Name of the object.",
        json_schema_extra=required("name is missing: name the object that holds the audio"),
    )
    key: DataKey = Field(
        description="Key in the object.",
        json_schema_extra=required("key is missing: write for example key: ana.wav"),
    )


class ClaimFile(Model):
    """A file on a PersistentVolumeClaim of the namespace."""

    name: ObjectName = Field(
        description="Name of the claim, which spec.voices.claims of the TTSService has to list.",
        json_schema_extra=required("name is missing: name the PersistentVolumeClaim"),
    )
    path: FilePath = Field(
        description="Path of the file in the claim's volume.",
        json_schema_extra=required("path is missing: write for example path: takes/one.wav"),
    )


class ReferenceAudio(Model):
    """One clip, from one of four places."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                f"[{', '.join(f'has(self.{each})' for each in _PLACES)}]"
                ".filter(given, given).size() == 1",
                "a clip comes from one place: write one of secretKeyRef, configMapKeyRef, uri and "
                "claim",
            ),
            Rule(
                "!has(self.digest) || has(self.uri) || has(self.claim)",
                "digest goes with uri and claim: remove it, the operator reads Secrets and "
                "ConfigMaps itself",
                ".digest",
                "FieldValueForbidden",
            ),
            Rule(
                "!has(self.uri) || !self.uri.startsWith('http://') || has(self.digest)",
                "without encryption, the file has to be known by its digest: write https://, or "
                "add digest",
                ".uri",
            ),
        )
    )

    secret_key_ref: DataKeyRef | None = Field(
        default=None,
        description="The audio is an entry of a Secret. The operator has to be allowed to read it.",
    )
    config_map_key_ref: DataKeyRef | None = Field(
        default=None, description="The audio is an entry of a ConfigMap, usually of its binaryData."
    )
    uri: AudioUri | None = Field(
        default=None,
        description="The pods fetch the audio from here, up to 16 MiB within 30 s. Addresses that "
        "are not public are not asked unless the operator's chart allows it.",
    )
    claim: ClaimFile | None = Field(
        default=None,
        description="The audio is a file on a PersistentVolumeClaim that the pods mount.",
    )
    digest: AudioDigest | None = Field(
        default=None,
        description="Digest of the file at uri or on the claim: another file is refused.",
    )


class ReferenceSpec(Model):
    """Whom a voice is to sound like."""

    audio: tuple[ReferenceAudio, ...] = Field(
        min_length=1,
        max_length=MOST_CLIPS,
        description="Clips of one person speaking, as wav, flac, mp3, ogg, opus, webm or m4a. How "
        "many of them, and how much speech, the backend decides. Required.",
        json_schema_extra=required("audio is missing: list at least one clip"),
    )
    transcript: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="What is said in the clips, one after the other; some backends need it.",
    )


class Consent(Model):
    """That the person whose voice it is agreed."""

    statement: str = Field(
        min_length=1,
        max_length=2048,
        description="What was agreed to, in the person's words. Required.",
        json_schema_extra=required("statement is missing: write down what was agreed to"),
    )
    given_by: str = Field(
        min_length=1,
        max_length=256,
        description="Who agreed: the speaker, or who may speak for them. Required.",
        json_schema_extra=required("givenBy is missing: write down who agreed"),
    )
    recorded_at: Time = Field(
        max_length=40,
        description="When the consent was recorded, as 2026-11-29T10:00:00Z. Required.",
        json_schema_extra=required("recordedAt is missing: write down when that was"),
    )
