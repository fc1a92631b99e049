"""Limits of a process that people declare: their bounds, and what they are unless given."""

from typing import Annotated, Final

from pydantic import Field

InputCharacters = Annotated[int, Field(ge=1, le=1_000_000)]
"""Of a text."""
INPUT_CHARACTERS: Final = 4096

QueueSeconds = Annotated[int, Field(ge=1, le=86_400)]
"""Of speech that waits."""
QUEUE_SECONDS: Final = 60
CLIENT_SECONDS: Final = 30

DrainSeconds = Annotated[int, Field(ge=0, le=3600)]
"""From the signal to the end of the last response."""
DRAIN_SECONDS: Final = 30

Copies = Annotated[int, Field(ge=1, le=16)]
"""Of a model, side by side."""
