"""The data plane: an OpenAI-compatible speech server over interchangeable backends."""

from importlib.metadata import version

__version__ = version("speaker-tts")
