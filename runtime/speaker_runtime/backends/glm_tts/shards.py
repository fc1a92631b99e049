"""Tensors of one or several files of safetensors, each read from its file when it is asked for.

So a large model is never in memory twice: what a layer is made of is gone when it is made.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from speaker_runtime.backends.glm_tts.errors import damaged

INDEX_FILE: Final = "model.safetensors.index.json"


class Shards(Mapping[str, Tensor]):
    """Names to tensors.

    Args:
        files: The open files.
        places: In which of them each tensor is.
    """

    def __init__(self, files: Mapping[Path, Any], places: Mapping[str, Path]) -> None:
        self._files = files
        self._places = places

    @classmethod
    def open(cls, paths: Iterable[Path]) -> "Shards":
        """All tensors of some files.

        Raises:
            ModelError: One of them is missing or damaged, or two have a tensor of the same name.
        """
        files: dict[Path, Any] = {}
        places: dict[str, Path] = {}
        for path in paths:
            files[path] = _opened(path)
            for name in files[path].keys():  # noqa: SIM118  it is no dictionary
                if name in places:
                    raise damaged(path, f"it has {name}, as {places[name].name} has")
                places[name] = path
        return cls(files, places)

    @classmethod
    def indexed(cls, index: Path) -> "Shards":
        """The tensors that an index tells the files of, which lie beside it.

        Raises:
            ModelError: The index or one of the files is missing or damaged, or lacks a tensor.
        """
        try:
            told = json.loads(index.read_bytes())["weight_map"]
            places = {str(name): index.parent / Path(file).name for name, file in told.items()}
        except (OSError, ValueError) as error:
            raise damaged(index, str(error)) from error
        except (AttributeError, KeyError, TypeError) as error:
            raise damaged(index, "it has no weight_map of names to files") from error
        found = cls.open(dict.fromkeys(places.values()))
        for name, path in places.items():
            if found._places.get(name) != path:  # noqa: SLF001  its own kind
                raise damaged(path, f"it has no {name}, which {index.name} says is there")
        return found

    def __getitem__(self, name: str) -> Tensor:
        """The tensor, read anew each time."""
        path = self._places[name]
        try:
            found: Tensor = self._files[path].get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise damaged(path, f"{name}: {error}") from error
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is one, without reading it."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        """All names."""
        return iter(self._places)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._places)


def _opened(path: Path) -> Any:
    try:
        return safe_open(str(path), framework="pt")
    except (SafetensorError, OSError) as error:
        raise damaged(path, str(error)) from error
