"""Who has no choice of what to compute with says so, instead of leaving a wish aside."""

from speaker_runtime.contract import ExitCode, ModelConfig
from speaker_runtime.models.errors import ModelError


def require_no_precision(config: ModelConfig, backend: str) -> None:
    """Refuse a wish for a precision, for a backend whose models have one of their own.

    Raises:
        ModelError: There is such a wish.
    """
    if config.precision not in {None, "auto"}:
        raise ModelError(
            ExitCode.INVALID_CONFIG,
            f"The models of backend {backend} have one precision each, which is not for "
            f"model.precision ({config.precision}) to choose.",
            "Leave model.precision out.",
        )
