"""What every kind of source does, and what it is given."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from speaker_runtime.contract import CLAIMS_DIRECTORY
from speaker_runtime.models.manifest import FileEntry

if TYPE_CHECKING:
    from speaker_runtime.models.web import Web


@dataclass(frozen=True)
class Progress:
    """How far a file, or a whole model, has come; in bytes, ``total`` None where nobody knows."""

    file: str
    done: int
    total: int | None


@dataclass(frozen=True)
class Workspace:
    """What a source may use while a model is fetched.

    Attributes:
        directory: For archives; on the model's volume, gone when the fetch is complete.
        web: Gives what reads over HTTP; its library is loaded only then.
        report: Told how far an archive has come.
        claims: Where claims are mounted, each in a folder of its name.
        choose: Which of a model's paths are wanted; a source that has to read files to name them
            asks it first.
    """

    directory: Path
    web: Callable[[], "Web"]
    report: Callable[[Progress], None]
    claims: Path = CLAIMS_DIRECTORY
    choose: Callable[[Collection[str]], Collection[str]] = tuple


class Source(Protocol):
    """The files of one model at one address."""

    local: ClassVar[bool]
    """Whether looking is cheap and its files change with the program; any other address is asked
    once, and what was fetched from it stays as it was until the address changes."""

    scratch: int
    """Bytes of archives that lie in the workspace besides the files while they are fetched."""

    def __init__(self, address: str, workspace: Workspace) -> None:
        """Raises ModelError if the address is not well formed."""

    def license(self) -> str | None:
        """The licence that has to be accepted by name, as far as the source tells of one.

        Raises:
            ModelError: There is no such model, or it is out of reach.
        """

    def list(self) -> Sequence[FileEntry]:
        """Name the files of the model.

        Raises:
            ModelError: There is no such model, or it is out of reach.
        """

    def read(self, entry: FileEntry, offset: int) -> Iterator[bytes]:
        """One of the files that :meth:`list` named, from ``offset`` on.

        Raises:
            ModelError: It cannot be read any more.
        """
