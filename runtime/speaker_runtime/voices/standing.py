"""How far a process has come with the voice of a reference."""

from dataclasses import dataclass

from speaker_runtime.contract import VoiceReason

_PREFIX = "clone:"
"""No preset's name has a colon."""


@dataclass(frozen=True)
class Standing:
    """Whether a reference has become a voice.

    Attributes:
        key: Of what was made of it, or of what the voice was made of before; None while there is
            nothing.
        reason: Why the voice is not as declared; None once it is.
        message: The same in words, and what to do.
    """

    key: str | None = None
    reason: VoiceReason | None = None
    message: str = ""

    @property
    def is_preparing(self) -> bool:
        """Whether nothing is in the way but time."""
        return self.reason is VoiceReason.PREPARING

    @property
    def speaker(self) -> str:
        """What stands for the voice in requests to the model."""
        return f"{_PREFIX}{self.key}"


def key_of(speaker: str) -> str | None:
    """The key of a cloned speaker; None of any other."""
    return speaker.removeprefix(_PREFIX) if speaker.startswith(_PREFIX) else None
