"""How a model draws what it says next, where it draws: the parameters, and within which bounds."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, Strict

from speaker_runtime.contract.document import Document

_Number = Annotated[float, Strict()]
_Whole = Annotated[int, Strict()]

Temperature = Annotated[
    _Number | None,
    Field(
        ge=0.05,
        le=2.0,
        description="Divides the scores of what may come next, from 0.05 to 2: below 1 the likely "
        "becomes likelier, above 1 speech becomes livelier and goes wrong more often.",
    ),
]
TopK = Annotated[
    _Whole | None,
    Field(
        ge=0,
        le=1000,
        description="How many of the likeliest may be drawn, up to 1000: 1 leaves nothing to "
        "chance, 0 is all.",
    ),
]
TopP = Annotated[
    _Number | None,
    Field(
        ge=0.01,
        le=1.0,
        description="The likeliest that have this probability together may be drawn, from 0.01 to "
        "1, which is all.",
    ),
]
RepetitionPenalty = Annotated[
    _Number | None,
    Field(
        ge=1.0,
        le=20.0,
        description="Divides the score of what was said before, from 1 (none) to 20.",
    ),
]


class Sampling(Document):
    """Parameters of chance; what is None is left to whoever comes next: voice, then model."""

    temperature: Temperature = None
    top_k: TopK = None
    top_p: TopP = None
    repetition_penalty: RepetitionPenalty = None

    @property
    def named(self) -> frozenset[str]:
        """The parameters that are given."""
        return frozenset(self.model_dump(exclude_none=True))

    def only(self, names: Iterable[str]) -> Self:
        """These, without what is not among ``names``."""
        return type(self)(**self.model_dump(include=set(names)))

    def over(self, other: "Sampling") -> Self:
        """These, and where they say nothing, the other's."""
        return type(self)(**other.model_dump() | self.model_dump(exclude_none=True))
