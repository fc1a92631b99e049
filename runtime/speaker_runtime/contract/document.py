"""What all documents have in common."""

import hashlib
from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


def digest_of(content: bytes) -> str:
    """Digest of a manifest, or of audio, as it was sent."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Document(BaseModel):
    """A frozen JSON document with camelCase keys; unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    def to_json(self) -> str:
        """Write the document so that equal documents give equal bytes."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=2) + "\n"


class Named(Document):
    """A document that is told from others of its kind by its name."""

    name: str


class Manifest(Document):
    """What a running process can be told anew."""

    file: ClassVar[str]
    """Its name among the documents."""
    sync_path: ClassVar[str]
    """Where a running process takes it."""

    version: Literal["v1"] = "v1"

    @property
    @abstractmethod
    def parts(self) -> tuple[Named, ...]:
        """What the answer tells of one by one."""

    @property
    def entries(self) -> dict[str, Named]:
        """The parts, by name."""
        return {part.name: part for part in self.parts}

    @property
    def digest(self) -> str:
        """Digest of the manifest as :meth:`to_json` writes it."""
        return digest_of(self.to_json().encode())
