"""Whether a model fits on its volume."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError


@dataclass(frozen=True)
class Space:
    """Room for one model.

    Attributes:
        directory: Where the model is to lie.
        capacity: Bytes of the volume, where the file system that it lies on is larger.
    """

    directory: Path
    capacity: int | None = None

    def require_capacity(self, size: int, scratch: int = 0) -> None:
        """Refuse a volume that could never hold the model.

        Not every volume is a file system of its own: one that is too small may not show it.

        Args:
            size: Bytes of the model.
            scratch: Bytes that lie beside it while it is fetched.

        Raises:
            ModelError: The volume is too small.
        """
        if self.capacity is not None and size + scratch > self.capacity:
            beside = f", and {scratch} bytes beside them while it is fetched" if scratch else ""
            raise ModelError(
                ExitCode.NO_SPACE,
                f"The model's files have {size} bytes{beside}; the volume at {self.directory} was "
                f"made for {self.capacity}.",
                "Make the cache volume larger (spec.cache.size).",
            )

    def require_free(self, needed: int) -> None:
        """Refuse to begin what would fill the disk.

        Raises:
            ModelError: Fewer than ``needed`` bytes are free.
        """
        free = shutil.disk_usage(self.directory).free
        if needed > free:
            raise ModelError(
                ExitCode.NO_SPACE,
                f"The model needs {needed} bytes more in {self.directory}, but {free} are free.",
                "Make the cache volume larger (spec.cache.size).",
            )
