"""The data plane: an OpenAI-compatible speech server over interchangeable backends."""
