"""Which names of models a request may use; all of them mean the one model that is loaded."""

from difflib import get_close_matches
from typing import Final

from speaker_runtime.errors import ErrorCode, SpeechError

OPENAI_MODELS: Final = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Names that clients of OpenAI's API send."""


class ModelNames:
    """The names of one service's model.

    Args:
        backend: Its own name, which comes first.
    """

    def __init__(self, backend: str) -> None:
        self.names = (backend, *OPENAI_MODELS)

    def resolve(self, name: str) -> str:
        """Return ``name`` if it is known.

        Raises:
            SpeechError: It is not.
        """
        if name in self.names:
            return name
        close = get_close_matches(name.casefold(), self.names, n=1)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise SpeechError(
            ErrorCode.MODEL_NOT_FOUND,
            f"The model {name!r} does not exist. Known models: {', '.join(self.names)}.",
            param="model",
            suggestion=f"{hint}GET /v1/models lists every model.",
        )
