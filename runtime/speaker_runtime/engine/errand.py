"""What a copy of the model does between its steps, on its own thread."""

from collections.abc import Callable
from concurrent.futures import Future

from speaker_runtime.backends.protocol import AnyBackend, ClonedVoice, DeviceUnavailableError


class Errand:
    """Something that only the thread of a model may do.

    Args:
        work: Done with the copy of the model that comes first.
    """

    def __init__(self, work: Callable[[AnyBackend], ClonedVoice]) -> None:
        self._work = work
        self.result: Future[ClonedVoice] = Future()
        """What comes of it."""

    def run(self, backend: AnyBackend) -> None:
        """Do it, unless nobody waits for it any more.

        Raises:
            DeviceUnavailableError: The device failed; whoever waits is told, too.
        """
        if not self.result.set_running_or_notify_cancel():
            return
        try:
            self.result.set_result(self._work(backend))
        except DeviceUnavailableError as error:
            self.result.set_exception(error)
            raise
        except Exception as error:  # noqa: BLE001  told to whoever waits; the model goes on
            self.result.set_exception(error)

    def fail(self, error: Exception) -> None:
        """It will not be done."""
        if self.result.set_running_or_notify_cancel():
            self.result.set_exception(error)
