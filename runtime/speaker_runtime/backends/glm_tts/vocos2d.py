"""Vocos2D, the vocoder of 32 kHz: a program of TorchScript, which is run only where it is trusted.

Its file is not weights but code. Fetching a model leaves it out; who wants it names the digest of
the file that they have looked at, and a file with another one is not opened.
"""

import hashlib
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from speaker_runtime.backends.glm_tts.errors import damaged
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError

SAMPLE_RATE: Final = 32000
HOP: Final = 640
"""Samples of a frame."""
_SHIFT: Final = -7.847762537473608
"""Between the flow's mel and the one that it was trained on."""


class Vocos2d:
    """The vocoder.

    Args:
        program: What is called with ``(rows, frames, 80)`` and gives ``(rows, samples)``.
        path: Its file, as it is told in errors.
    """

    def __init__(self, program: torch.jit.ScriptModule, path: Path) -> None:
        self._program = program
        self._path = path

    @classmethod
    def load(cls, path: Path, trusted: str | None, device: torch.device) -> "Vocos2d":
        """Load a program, if it is the trusted one.

        Args:
            path: The file.
            trusted: SHA-256 of the file that may be run, as ``sha256:HEX``; None for none.
            device: Where to.

        Raises:
            ModelError: Its digest was not named or is another one, or it is no TorchScript.
        """
        try:
            with path.open("rb") as file:
                found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        except OSError as error:
            raise damaged(path, str(error)) from error
        if found != trusted:
            named = "no digest was named for it" if trusted is None else f"{trusted} was named"
            raise ModelError(
                ExitCode.INVALID_CONFIG,
                f"{path} is a program of TorchScript with the digest {found}, and {named}. "
                "Nothing of it was run.",
                "Use the sample rate of 24000, which runs no program of the model's, or name this "
                "digest if you trust the file.",
            )
        try:
            program = torch.jit.load(str(path), map_location=device)  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise damaged(path, str(error).partition("\n")[0]) from error
        return cls(program.eval(), path)

    def __call__(self, mel: Tensor) -> Tensor:
        """Samples of some speech.

        Args:
            mel: Log-mel, float32, shape ``(80, frames)``.

        Returns:
            Float32 at 32 kHz, shape ``(samples,)``, 640 for each frame.

        Raises:
            ModelError: The program gives something else.
        """
        frames = mel.t()
        if len(frames) == 1:
            frames = frames.repeat(2, 1)
        made = self._program((frames + _SHIFT)[None])
        if not isinstance(made, Tensor) or made.shape[:-1] != (1,):
            raise damaged(self._path, "it does not make one row of samples of one row of frames")
        wave: Tensor = made[0].float()
        return wave
