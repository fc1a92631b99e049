"""``python -m speaker_runtime.cli``."""

from speaker_runtime.cli import main

if __name__ == "__main__":
    main()
