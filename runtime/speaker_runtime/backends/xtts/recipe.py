"""What is fetched of a published XTTS-v2, and what is made of it: files that nothing is run from.

Published are ``config.json``, ``vocab.json``, ``model.pth`` and, mostly, ``speakers_xtts.pth``; the
last two are pickles. Installed are the first two as they are, and two files of arrays:

* ``model.safetensors``: the weights, under the names that coqui's model has for them before it has
  spoken, each array once;
* ``speakers.safetensors``: the built-in speakers' latents, under ``NAME/gpt_cond_latent`` and
  ``NAME/speaker_embedding``. What stands before the last ``/`` is the speaker's name as it is
  published, spaces, capitals and all.

A source that has ``model.safetensors`` has been through this before, and is taken as it is.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.arrays import dtype_of, safetensors_blocks
from speaker_runtime.models.checkpoints import read_checkpoint
from speaker_runtime.models.errors import ModelError
from speaker_runtime.models.files import blocks
from speaker_runtime.models.recipe import Blocks, Selection

if TYPE_CHECKING:
    from torch import Tensor

LICENSE: Final = "CPML"
"""The Coqui Public Model License: no commercial use of the model or of what it says."""
CONFIG_FILE: Final = "config.json"
VOCABULARY_FILE: Final = "vocab.json"
WEIGHTS_FILE: Final = "model.safetensors"
SPEAKERS_FILE: Final = "speakers.safetensors"
LATENTS: Final = "gpt_cond_latent"
EMBEDDING: Final = "speaker_embedding"
"""What the GPT and the vocoder need to know of a speaker; names of coqui's."""

_PUBLISHED_WEIGHTS: Final = "model.pth"
_PUBLISHED_SPEAKERS: Final = "speakers_xtts.pth"
_PACKAGE: Final = "TTS"
"""Of the classes that original checkpoints name: their configuration, which nobody needs."""
_TRAINED: Final = "xtts."
"""Before every name, where the model comes from coqui's trainer."""
_UNUSED: Final = frozenset(
    {"dvae", "torch_mel_spectrogram_dvae", "torch_mel_spectrogram_style_encoder"}
)
"""First parts of the names of what only training needs."""
_DOUBLES: Final = ("gpt.gpt_inference.", "gpt.gpt.wte.")
"""Further names of arrays, which a model has that was saved after it had spoken."""
_PARTS: Final = ("gpt.", "hifigan_decoder.")


class XttsRecipe:
    """Makes what the backend loads of what coqui publishes."""

    license: str = LICENSE

    def select(self, names: Collection[str]) -> Selection:
        """The configuration first, which tells other versions from this one, the weights last."""
        finished = WEIGHTS_FILE in names
        weights, speakers = (
            (WEIGHTS_FILE, SPEAKERS_FILE) if finished else (_PUBLISHED_WEIGHTS, _PUBLISHED_SPEAKERS)
        )
        needed = (CONFIG_FILE, VOCABULARY_FILE, weights)
        missing = [name for name in needed if name not in names]
        if missing:
            raise ModelError(
                ExitCode.MODEL_UNAVAILABLE,
                f"This is no XTTS-v2: there is no {' and no '.join(missing)}.",
                f"Name a model.source with {', '.join(needed)}, or leave model.source out.",
            )
        ordered = (CONFIG_FILE, VOCABULARY_FILE, speakers, weights)
        return Selection(tuple(name for name in ordered if name in names), finished)

    def check(self, directory: Path, name: str) -> None:
        """The two small files tell whether the large one can be of use."""
        if name == CONFIG_FILE:
            _require_converter()
            _require_version(_document(directory / name))
        elif name == VOCABULARY_FILE:
            _document(directory / name)

    def make(self, directory: Path) -> Mapping[str, Blocks]:
        """Read the checkpoints' tensors; all else in them is left behind."""
        made: dict[str, Blocks] = {
            name: partial(_content, directory / name) for name in (CONFIG_FILE, VOCABULARY_FILE)
        }
        made[WEIGHTS_FILE] = partial(safetensors_blocks, _weights(directory / _PUBLISHED_WEIGHTS))
        if (directory / _PUBLISHED_SPEAKERS).is_file():
            speakers = _speakers(directory / _PUBLISHED_SPEAKERS)
            made[SPEAKERS_FILE] = partial(safetensors_blocks, speakers)
        return made


def _require_converter() -> None:
    if find_spec("torch") is None:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            "PyTorch is not installed here, and takes the published XTTS-v2 apart.",
            "Fetch with the runtime image of xtts, or install speaker-tts[runtime,xtts].",
        )


def _require_version(config: Mapping[str, Any]) -> None:
    arguments = config.get("model_args")
    perceives = isinstance(arguments, dict) and arguments.get("gpt_use_perceiver_resampler")
    if config.get("model") != "xtts" or perceives is not True:
        raise ModelError(
            ExitCode.MODEL_UNAVAILABLE,
            f"{CONFIG_FILE} describes no XTTS-v2: its model is {config.get('model')!r}, and "
            f"model_args.gpt_use_perceiver_resampler is {perceives!r}, not true.",
            "Name a model.source of version 2, or leave model.source out; version 1 is not served.",
        )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise _damaged(path, f"is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _damaged(path, "is no JSON object")
    return found


def _content(path: Path) -> Iterator[bytes]:
    return blocks(path.open("rb"))


def _weights(path: Path) -> Mapping[str, "Tensor"]:
    checkpoint = read_checkpoint(path, _PACKAGE)
    found = checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not isinstance(found, dict):
        raise _damaged(path, "has no weights under 'model'")
    named = {str(name).removeprefix(_TRAINED): found[name] for name in found}
    weights = {
        name: _tensor(path, name, value)
        for name, value in named.items()
        if name.partition(".")[0] not in _UNUSED and not name.startswith(_DOUBLES)
    }
    lacking = [part for part in _PARTS if not any(name.startswith(part) for name in weights)]
    if lacking:
        raise _damaged(path, f"has no weights whose names begin with {' or '.join(lacking)}")
    return weights


def _speakers(path: Path) -> Mapping[str, "Tensor"]:
    speakers = read_checkpoint(path, _PACKAGE)
    if not isinstance(speakers, dict):
        raise _damaged(path, "has no speakers by name")
    latents: dict[str, Tensor] = {}
    for speaker, known in speakers.items():
        for what in (LATENTS, EMBEDDING):
            if not isinstance(known, dict) or what not in known:
                raise _damaged(path, f"has no {what} of {speaker!r}")
            latents[f"{speaker}/{what}"] = _tensor(path, f"{speaker}/{what}", known[what])
    return latents


def _tensor(path: Path, name: str, value: Any) -> "Tensor":
    import torch  # noqa: PLC0415  loaded by now

    if not isinstance(value, torch.Tensor) or value.layout is not torch.strided:
        raise _damaged(path, f"has no tensor at {name!r}, but {type(value).__name__}")
    if dtype_of(value) is None:
        raise _damaged(path, f"has a tensor of {value.dtype} at {name!r}")
    return value


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(
        ExitCode.MODEL_CORRUPT,
        f"{path.name} {what}.",
        "Its source is damaged, or no XTTS-v2: name another one, or leave model.source out.",
    )
