"""The files of GLM-TTS' networks into memory: offline, and without running anything of theirs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
import yaml
from torch import Tensor

from speaker_runtime.backends.glm_tts import recipe
from speaker_runtime.backends.glm_tts.dit import MELS
from speaker_runtime.backends.glm_tts.errors import damaged
from speaker_runtime.backends.glm_tts.flow import Flow
from speaker_runtime.backends.glm_tts.flow_requests import FlowConfig
from speaker_runtime.backends.glm_tts.hift import Hift
from speaker_runtime.backends.glm_tts.llama import Llama, Place
from speaker_runtime.backends.glm_tts.llama_config import LlamaConfig
from speaker_runtime.backends.glm_tts.shards import INDEX_FILE, Shards
from speaker_runtime.backends.glm_tts.tensors import Tensors

_FLOW: Final = "flow"
"""Under which key the flow's configuration stands."""
_WRITTEN_FOR: Final[Mapping[str, Any]] = {
    "mel_dim": MELS,
    "t_scheduler": "cosine",
    "use_wavlm_emb": False,
}
"""Fields of the flow that have to be as they are published; one that is not there is."""


def llama(directory: Path, place: Place, outputs: Tensor | None = None) -> Llama:
    """The language model.

    Args:
        directory: Of the whole model.
        place: Where it runs.
        outputs: Which tokens it is asked for, int64, shape ``(outputs,)``; None for all.

    Raises:
        ModelError: A file is missing, damaged or another model's; it is named.
    """
    folder = directory / recipe.LLM
    index = folder / INDEX_FILE
    if index.exists():
        shards = Shards.indexed(index)
    else:
        found = sorted(folder.glob("*.safetensors"))
        if not found:
            raise damaged(folder, "it has no *.safetensors")
        shards = Shards.open(found)
    return Llama(Tensors(folder, shards), llama_config(directory), place, outputs=outputs)


def llama_config(directory: Path) -> LlamaConfig:
    """The language model's sizes.

    Raises:
        ModelError: The file cannot be read, or is of another kind of model.
    """
    return LlamaConfig.read(directory / recipe.LLM_CONFIG_FILE)


def flow(directory: Path, device: torch.device) -> Flow:
    """The flow stage; errors as of :func:`llama`."""
    return Flow(_tensors(directory, recipe.FLOW_FILE, device), flow_config(directory))


def hift(directory: Path, device: torch.device) -> Hift:
    """The vocoder of 24 kHz; errors as of :func:`llama`."""
    return Hift(_tensors(directory, recipe.HIFT_FILE, device))


def flow_config(directory: Path) -> FlowConfig:
    """What the flow's configuration says; its tags, which name classes, are not looked at.

    Raises:
        ModelError: The file cannot be read, or is of another kind of flow.
    """
    path = directory / recipe.FLOW_CONFIG_FILE
    try:
        document = yaml.load(path.read_bytes(), Loader=_Untagged)  # noqa: S506  a safe one
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise damaged(path, str(error)) from error
    told = document.get(_FLOW) if isinstance(document, dict) else None
    if not isinstance(told, dict):
        raise damaged(path, f"it has nothing under {_FLOW!r}")
    for name, wanted in _WRITTEN_FOR.items():
        if told.get(name, wanted) != wanted:
            raise damaged(path, f"{name} is {told[name]!r}, not {wanted!r}")
    # What is not given is as the published code has it, which is not as the published model has it.
    return FlowConfig(
        input_frame_rate=_rate(path, told, "input_frame_rate", 12.5),
        mel_framerate=_rate(path, told, "mel_framerate", 86),
        speaker_modulates=_flag(path, told, "spkr_emb_adaLN", default=False),
        speaker_is_condition=not _flag(path, told, "remove_spkr_concat_condition", default=False),
        codes_are_guided=_flag(path, told, "speech_token_cfg", default=True),
    )


def _rate(path: Path, told: Mapping[str, Any], name: str, default: float) -> float:
    found = told.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or found <= 0:
        raise damaged(path, f"{name} is {found!r}, not a rate")
    return found


def _flag(path: Path, told: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = told.get(name, default)
    if not isinstance(found, bool):
        raise damaged(path, f"{name} is {found!r}, not true or false")
    return found


def _tensors(directory: Path, name: str, device: torch.device) -> Tensors:
    """Arrays, or those of the published pickle where nothing was made of it."""
    path, published = directory / name, directory / recipe.PICKLES[name]
    found: Mapping[str, Tensor]
    if path.exists() or not published.exists():
        found = Shards.open([path])
    else:
        path, found = published, recipe.weights(published)
    return Tensors(path, {each: found[each].to(device) for each in found})


class _Untagged(yaml.SafeLoader):
    """Reads what carries a tag of somebody's as if it had none."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101  there are no others
    return loader.construct_scalar(node)


_Untagged.add_multi_constructor("!", _plain)
