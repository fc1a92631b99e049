"""Which model is loaded, how its fetch fares, and how processes end."""

from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Literal

from pydantic import Field

from speaker_runtime.contract.document import Document


class ExitCode(IntEnum):
    """How the runtime's processes end; the operator turns them into reasons in ``status``."""

    OK = 0
    FAILED = 1
    INVALID_CONFIG = 2
    MODEL_UNAVAILABLE = 3
    """The model's source could not be read: it does not exist, or is out of reach."""
    MODEL_CORRUPT = 4
    """The model was read, but its digest is wrong."""
    NO_SPACE = 5
    """The model cache's volume is too small."""
    LICENSE_NOT_ACCEPTED = 6
    """The model's licence has to be accepted by name, and was not."""
    LOGIN_REFUSED = 7
    """The model's source asks for a login, or does not accept the one that it was given."""


class FetchReport(Document):
    """The last words of a `speaker-runtime model fetch` that ended well, for the operator."""

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Of all files of the model.")
    bytes: int = Field(ge=0, description="Of all files together.")


class FetchStatus(Document):
    """How far the fetch of one model is."""

    state: Literal["Downloading", "Ready", "Failed"]
    source: str = Field(description="Address of the model.")
    time: datetime = Field(description="When this was written.")
    file: str | None = Field(default=None, description="What is being fetched.")
    bytes: int = Field(
        default=0,
        ge=0,
        description="How much has come: of the model, or of the package that holds a part of it.",
    )
    total_bytes: int | None = Field(default=None, ge=0, description="Of how much, where known.")
    message: str | None = Field(default=None, description="Why it failed, and what to do.")


Precision = Literal["auto", "float32", "bfloat16", "float16", "int8"]
"""What a model computes with; int8 is 8-bit weights, and floats where they matter."""


class ModelConfig(Document):
    """Which model to load, and where its files lie."""

    source: str = Field(
        min_length=1,
        max_length=2048,
        description="Address of the model, for example package://hibari-tts.",
    )
    directory: Path = Field(
        description="Where this model's files lie; only `speaker-runtime model fetch` writes here."
    )
    accept_license: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="Licence that is accepted, by name, where the model's asks for it.",
    )
    precision: Precision | None = Field(
        default=None,
        description="What the model computes with, where its backend leaves a choice; as auto "
        "unless given: what suits the device. One that the device or the backend lacks is refused.",
    )
