"""What is fetched of a published GLM-TTS, and what is made of it: files that nothing is run from.

Two of the published files are pickles, ``flow/flow.pt`` and ``hift/hift.pt``; arrays are made of
them under the names that they have there. All else is installed as it is, in its own folder:

* ``llm/``: configuration, index and shards of the language model;
* ``vq32k-phoneme-tokenizer/``: ranks and added tokens; its Python class is left behind;
* ``speech_tokenizer/``: what hears a voice's codes;
* ``flow/config.yaml``;
* ``frontend/campplus.onnx``, which hears a speaker. The model's page on the Hub has not got it; it
  is the same as CosyVoice's, and comes from there where the source has none;
* ``configs/``: tables of how characters are replaced and said, where there are any.

The vocoder of 32 kHz, a program, is left behind. A source that has the arrays has been through this
before, and is taken as it is.
"""

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.arrays import dtype_of, safetensors_blocks
from speaker_runtime.models.checkpoints import read_checkpoint
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import blocks
from speaker_runtime.models.recipe import Blocks, Elsewhere, Selection

if TYPE_CHECKING:
    from torch import Tensor

LLM: Final = "llm"
LLM_CONFIG_FILE: Final = f"{LLM}/config.json"
TOKENIZER: Final = "vq32k-phoneme-tokenizer"
SPEECH_TOKENIZER: Final = "speech_tokenizer"
FLOW_CONFIG_FILE: Final = "flow/config.yaml"
FLOW_FILE: Final = "flow/flow.safetensors"
HIFT_FILE: Final = "hift/hift.safetensors"
SPEAKER_FILE: Final = "frontend/campplus.onnx"

PICKLES: Final[Mapping[str, str]] = {FLOW_FILE: "flow/flow.pt", HIFT_FILE: "hift/hift.pt"}
"""Of what each file of arrays is made."""
COSYVOICE: Final = Elsewhere("hf://FunAudioLLM/CosyVoice2-0.5B@main", "campplus.onnx")
"""Who else has the speaker encoder."""
_NEEDED: Final = (
    LLM_CONFIG_FILE,
    FLOW_CONFIG_FILE,
    f"{TOKENIZER}/tokenizer_config.json",
    f"{TOKENIZER}/tokenizer.model",
    f"{SPEECH_TOKENIZER}/config.json",
    f"{SPEECH_TOKENIZER}/preprocessor_config.json",
    SPEAKER_FILE,
)
_SHARDED: Final = (LLM, SPEECH_TOKENIZER)
"""Folders with a model's tensors, in one file or several."""
_WELCOME: Final = (
    *(f"{folder}/model.safetensors.index.json" for folder in _SHARDED),
    "configs/custom_replace.jsonl",
    "configs/G2P_able_1word.json",
    "configs/G2P_replace_dict.jsonl",
)
"""What is taken where it is there."""
_NO_CLASSES: Final = "-"
"""The name of no package: neither pickle has anything but tensors."""


class GlmTtsRecipe:
    """Makes what the backend loads of what is published.

    Args:
        speaker: Where the speaker encoder comes from, if the source has none.
    """

    license: str | None = None
    """The weights are published under the MIT licence, which nobody has to accept by name."""

    def __init__(self, speaker: Elsewhere = COSYVOICE) -> None:
        self._speaker = speaker

    def select(self, names: Collection[str]) -> Selection:
        """Configurations first, which tell other models from this one, the weights last."""
        finished = all(name in names for name in PICKLES)
        weights = tuple(PICKLES) if finished else tuple(PICKLES.values())
        shards = [
            sorted(name for name in names if fnmatchcase(name, f"{folder}/*.safetensors"))
            for folder in _SHARDED
        ]
        missing = [name for name in (*_NEEDED, *weights) if name not in names]
        missing += [
            f"{folder}/*.safetensors"
            for folder, found in zip(_SHARDED, shards, strict=True)
            if not found
        ]
        elsewhere: dict[str, Elsewhere] = {}
        if SPEAKER_FILE in missing and not finished:
            missing.remove(SPEAKER_FILE)
            elsewhere[SPEAKER_FILE] = self._speaker
        if missing:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"This is no whole GLM-TTS: there is no {' and no '.join(missing)}.",
                "Name a model.source with all files of GLM-TTS, or leave model.source out.",
            )
        ordered = (*_NEEDED, *_WELCOME, *weights, *(name for found in shards for name in found))
        chosen = tuple(name for name in ordered if name in names)
        return Selection(chosen, finished, elsewhere)

    def check(self, directory: Path, name: str) -> None:
        """The small files tell whether the large ones can be of use."""
        if name not in (LLM_CONFIG_FILE, FLOW_CONFIG_FILE):
            return
        _require_converter()
        from speaker_runtime.backends.glm_tts import checkpoint  # noqa: PLC0415  loads torch

        if name == LLM_CONFIG_FILE:
            checkpoint.llama_config(directory)
        else:
            checkpoint.flow_config(directory)

    def make(self, directory: Path) -> Mapping[str, Blocks]:
        """Read the pickles' tensors; all else stays as it is."""
        names = [str(path.relative_to(directory)) for path in directory.rglob("*")]
        made: dict[str, Blocks] = {
            name: partial(_content, directory / name)
            for name in self.select(names).names
            if name not in PICKLES.values()
        }
        for name, published in PICKLES.items():
            made[name] = partial(safetensors_blocks, weights(directory / published))
        return made


def weights(path: Path) -> Mapping[str, "Tensor"]:
    """The tensors of one of the pickles, read without running anything.

    The flow's are one level down where the file is a plain dictionary.

    Raises:
        ModelError: It is damaged, or has something else than tensors.
    """
    import torch  # noqa: PLC0415  seconds

    found: Any = read_checkpoint(path, _NO_CLASSES)
    if type(found) is dict and "model" in found:
        found = found["model"]
    if not isinstance(found, dict) or not found:
        raise _damaged(path, "has no weights by name")
    for name, each in found.items():
        if not isinstance(each, torch.Tensor) or each.layout is not torch.strided:
            raise _damaged(path, f"has no tensor at {name!r}, but {type(each).__name__}")
        if dtype_of(each) is None:
            raise _damaged(path, f"has a tensor of {each.dtype} at {name!r}")
    return {str(name): each for name, each in found.items()}


def _require_converter() -> None:
    if find_spec("torch") is None:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            "PyTorch is not installed here, and takes the published GLM-TTS apart.",
            "Fetch with the runtime image of glm-tts, or install speaker-tts[runtime,glm-tts].",
        )


def _content(path: Path) -> Iterator[bytes]:
    return blocks(path.open("rb"))


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(
        ExitCode.MODEL_CORRUPT,
        f"{path.name} {what}.",
        "Its source is damaged, or no GLM-TTS: name another one.",
    )
