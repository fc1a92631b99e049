"""The bare loop: the voice's library and an encoder in one process, with no server around them.

``python -m bench.bare DIRECTORY`` loads the model that lies there, then answers each JSON line on
its standard input with one on its standard output, until the input ends.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from hibari import SAMPLE_RATE, Hibari

from speaker_runtime.audio.encoder import Encoder
from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pcm import to_pcm16

_WEIGHTS: Final = "*.onnx"


@dataclass(frozen=True)
class Loop:
    """What one run of the loop came to.

    Attributes:
        seconds: Wall time of everything.
        cpu_seconds: CPU time of everything.
        audio_seconds: Speech made meanwhile.
        first_seconds: For each text, until the library gave its first sentence.
    """

    seconds: float
    cpu_seconds: float
    audio_seconds: float
    first_seconds: list[float]


def speak(voice: Any, texts: list[str], audio_format: AudioFormat, seed: int) -> Loop:
    """Speak and encode one text after the other, as the library's own examples do."""
    samples = 0
    firsts: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    for text in texts:
        encoder = Encoder(audio_format, SAMPLE_RATE)
        asked, first = time.perf_counter(), 0.0
        for sentence in voice.stream(text, seed=seed):
            first = first or time.perf_counter() - asked
            samples += len(sentence)
            encoder.encode(to_pcm16(np.asarray(sentence, np.float32)))
        encoder.finish()
        firsts.append(first)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    return Loop(seconds, cpu_seconds, samples / SAMPLE_RATE, firsts)


def main() -> None:
    """Load, then answer until nobody asks any more."""
    (weights,) = Path(sys.argv[1]).rglob(_WEIGHTS)
    voice = Hibari(model=str(weights))
    speak(voice, ["Ready to speak."], AudioFormat.PCM, seed=0)
    for line in sys.stdin:
        asked = json.loads(line)
        result = speak(voice, asked["texts"], AudioFormat(asked["format"]), asked["seed"])
        sys.stdout.write(json.dumps(asdict(result)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
