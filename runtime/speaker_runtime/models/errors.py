"""What can go wrong with a model's files, and the exit code the process ends with."""

from speaker_runtime.contract import ExitCode


class ModelError(Exception):
    """A model that cannot be fetched or opened.

    Args:
        exit_code: How the process ends; the operator shows it as a reason in ``status``.
        message: What is wrong, with the path or address.
        remedy: What to do about it.
    """

    def __init__(self, exit_code: ExitCode, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.exit_code = exit_code
        self.message = message
        self.remedy = remedy
