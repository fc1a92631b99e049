"""Voice: one way to sound, offered by every service that selects it."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from speaker_operator.api.v1alpha1.cel import Check, Rule, object_rules, required
from speaker_operator.api.v1alpha1.common import SPEAKER, Metadata, Model
from speaker_operator.api.v1alpha1.definition import (
    AGE,
    READY,
    Column,
    Definition,
    condition_columns,
)
from speaker_operator.api.v1alpha1.model import LicenseName
from speaker_operator.api.v1alpha1.reference import Consent, ReferenceSpec
from speaker_operator.api.v1alpha1.status import UNSEEN_STATUS, VoiceStatus
from speaker_runtime import contract

LanguageTag = Annotated[
    str,
    StringConstraints(max_length=35),
    Check(
        "self.matches('^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$')",
        "must be a BCP 47 language tag: write for example en, en-GB or zh-Hans",
    ),
]

MOST_MIXED: Final = 4
"""Speakers that a mix may have."""
_PART: Final = f"{SPEAKER}([*]([0-9]{{1,6}}([.][0-9]{{1,6}})?|[.][0-9]{{1,6}}))?"

PresetName = Annotated[
    str,
    StringConstraints(max_length=255),
    Check(
        f"self.matches(r'^{_PART}([+]{_PART}){{0,{MOST_MIXED - 1}}}$')",
        "must be a speaker's name (letters, digits, '-', '_', and spaces or '.' in between), for "
        f"example heart or Ana Florence, or a mix of up to {MOST_MIXED}, for example "
        "af_heart*0.3+am_adam*0.7",
    ),
    Check(
        "!self.matches('[*](0+([.]0*)?|[.]0+)([+]|$)')",
        "mixes a speaker with a share of 0: leave that one out",
    ),
]

Alias = Annotated[
    str,
    StringConstraints(max_length=63),
    Check(
        "self.matches('^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$')",
        "must be a name that a request can carry: letters, digits, '-', '_' and '.', for example "
        "alloy",
    ),
]


Tag = Annotated[
    str,
    StringConstraints(max_length=32),
    Check(
        "self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",
        "must be a tag of lower-case letters, digits and '-', for example audiobook",
    ),
]


class SamplingDefaults(Model):
    """How a model that draws from chance does so for a voice."""

    temperature: contract.Temperature = None
    top_k: contract.TopK = None
    top_p: contract.TopP = None
    repetition_penalty: contract.RepetitionPenalty = None


class VoiceDefaults(Model):
    """Parameters that hold for a voice unless a request says otherwise."""

    speed: float | None = Field(
        default=None,
        ge=0.25,
        le=4.0,
        description="Pace, from 0.25 to 4: 1 is the voice's own, 2 twice as fast.",
    )
    sampling: SamplingDefaults | None = Field(
        default=None,
        description="How the model draws from chance, where it draws (GET /v1/audio/capabilities "
        "lists under sampling what it follows; answers of one that does not follow a parameter say "
        "so in the header X-Speaker-Warning).",
    )


class VoiceSpec(Model):
    """How a voice sounds, and under which names it can be asked for."""

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "!has(self.languages) || "
                "self.languages.all(tag, self.languages.exists_one(other, other == tag))",
                "languages names a language twice: list each language once",
                ".languages",
            ),
            Rule(
                "!has(self.aliases) || "
                "self.aliases.all(alias, self.aliases.exists_one(other, other == alias))",
                "aliases names an alias twice: list each alias once",
                ".aliases",
            ),
            Rule(
                "has(self.preset) != has(self.reference)",
                "a voice has either a preset or a reference: write for example preset: heart",
                ".preset",
            ),
        )
    )

    display_name: str | None = Field(
        default=None, min_length=1, max_length=128, description="Name to show to people."
    )
    description: str | None = Field(
        default=None, max_length=1024, description="What the voice sounds like, for people."
    )
    languages: tuple[LanguageTag, ...] = Field(
        min_length=1,
        max_length=16,
        description="Languages that the voice speaks well, as BCP 47 tags, the main one first. "
        "Required.",
        json_schema_extra=required(
            "languages is missing: list what the voice speaks, for example languages: [en]"
        ),
    )
    gender: Literal["female", "male", "neutral"] | None = Field(
        default=None, description="How the voice is perceived: female, male or neutral."
    )
    tags: tuple[Tag, ...] = Field(
        default_factory=tuple,
        max_length=16,
        description="What the voice is good for, in words to choose by; GET /v1/audio/voices lists "
        "them.",
    )
    preset: PresetName | None = Field(
        default=None,
        description="Name of the speaker, built into the backend's model, that the voice uses, for "
        "example heart; or a mix of speakers by their shares, for example "
        "af_heart*0.3+am_adam*0.7, where the backend mixes them (kokoro does). Either this or "
        "reference.",
    )
    reference: ReferenceSpec | None = Field(
        default=None,
        description="Recordings of somebody whom the voice is to sound like, where the backend "
        "clones voices. They are biometric data: license and consent are asked for with them.",
    )
    license: LicenseName | None = Field(
        default=None,
        description="Under which terms the voice may be used, for example CC-BY-4.0 or the name of "
        "a contract; GET /v1/audio/voices lists it. A voice with a reference is not served without "
        "it.",
    )
    consent: Consent | None = Field(
        default=None,
        description="That the person whose voice it is agreed. A voice with a reference is not "
        "served without it.",
    )
    aliases: tuple[Alias, ...] = Field(
        default_factory=tuple,
        max_length=32,
        description="Other names under which requests may ask for this voice, for example OpenAI's "
        "alloy and nova. Within one service an alias belongs to one voice.",
    )
    defaults: VoiceDefaults = Field(
        default_factory=VoiceDefaults,
        description="Parameters that hold for this voice unless a request says otherwise.",
    )


class Voice(Model):
    """A voice of a namespace: a speaker, its names and its defaults."""

    definition: ClassVar[Definition] = Definition(
        kind="Voice",
        plural="voices",
        singular="voice",
        short_names=("ttsvoice",),
        columns=(
            READY,
            Column("Languages", ".spec.languages", "Languages that the voice speaks well."),
            Column("Preset", ".spec.preset", "Speaker of the backend's model that the voice uses."),
            Column("License", ".spec.license", "Terms of the voice's use.", wide=True),
            Column(
                "Services", ".status.serviceCount", "Services that select the voice.", "integer"
            ),
            *condition_columns(),
            AGE,
        ),
    )

    model_config = ConfigDict(
        json_schema_extra=object_rules(
            Rule(
                "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && "
                "self.metadata.name.size() <= 63",
                "metadata.name becomes the name that requests ask for: use up to 63 lower-case "
                "letters, digits and '-', with a letter or digit at both ends",
            ),
            Rule(
                "!has(self.spec) || !has(self.spec.aliases) || "
                "!(self.metadata.name in self.spec.aliases)",
                "spec.aliases repeats the voice's own name: leave it out, the name always works",
                ".spec.aliases",
            ),
        )
    )

    metadata: Metadata
    spec: VoiceSpec = Field(
        description="How the voice sounds, and under which names it can be asked for. Required.",
        json_schema_extra=required(
            "spec is missing: write at least spec: {languages: [en], preset: heart}"
        ),
    )
    status: VoiceStatus = Field(
        default_factory=VoiceStatus,
        description="What the operator observed; never written by hand.",
        json_schema_extra=UNSEEN_STATUS,
    )
