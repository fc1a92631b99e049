"""Who is heard: one vector for a recording, by a published ONNX graph (CAM++)."""

from pathlib import Path
from typing import Final

import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as told
from torch import Tensor

from speaker_runtime.backends.glm_tts.errors import damaged, missing
from speaker_runtime.backends.glm_tts.features import (
    HEARD_RATE,
    MELS,
    filterbank,
    mono,
    resampled,
)

SPEAKER_FILE: Final = "campplus.onnx"
VECTOR: Final = 192
"""Numbers that tell a speaker from all others."""

_DAMAGE: Final = (
    told.Fail,
    told.InvalidArgument,
    told.InvalidGraph,
    told.InvalidProtobuf,
    told.NotImplemented,
    told.RuntimeException,
)
"""What ONNX Runtime raises on files that it cannot make sense of."""
_TRIED: Final = 20
"""Frames with which the graph is tried once it is loaded."""


class SpeakerEncoder:
    """Tells speakers apart; on the CPU, where a recording takes some hundredths of a second.

    Args:
        path: Of the graph.
        threads: Those that work in a run at most.

    Raises:
        ModelError: The file is missing, or is no such graph.
    """

    def __init__(self, path: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Waiting threads that spin would take the CPU from everything else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
            self._input: str = self._session.get_inputs()[0].name
            tried = self._run(torch.zeros(_TRIED, MELS))
        except told.NoSuchFile as error:
            raise missing(path) from error
        except (*_DAMAGE, IndexError) as error:
            raise damaged(path, str(error)) from error
        if len(tried) != VECTOR:
            raise damaged(path, f"it makes {len(tried)} numbers of a recording, not {VECTOR}")

    def __call__(self, wave: Tensor, rate: int) -> Tensor:
        """The vector of whoever speaks in a recording.

        Args:
            wave: Float32, shape ``(samples,)`` or ``(channels, samples)``, of which the mean is
                listened to.
            rate: Hertz.

        Returns:
            Float32 on the CPU, shape ``(192,)``, of any length.

        Raises:
            UnfitReferenceError: It is shorter than one frame, 25 ms.
        """
        return self._run(filterbank(resampled(mono(wave.cpu()), rate, HEARD_RATE)))

    def _run(self, frames: Tensor) -> Tensor:
        (made, *_) = self._session.run(None, {self._input: frames[None].numpy()})
        return torch.from_numpy(made).reshape(-1)
