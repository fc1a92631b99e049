#!/usr/bin/env bash
# Renew requirements/*.lock: every extra agrees with dev.lock, so one machine can hold them all.
# Usage: hack/lock.sh path/to/uv
set -euo pipefail
uv=$1
compile=("$uv" pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11)

"${compile[@]}" --upgrade pyproject.toml --extra operator --extra tracing --extra runtime --extra xtts --extra glm-tts --group dev --output-file requirements/dev.lock
lock() { # FILE EXTRA...
    "${compile[@]}" pyproject.toml "${@:2}" --constraint requirements/dev.lock --output-file "requirements/$1.lock"
}
lock operator --extra operator --extra tracing # the image can trace; it imports nothing of it unless told to
# One for each ENGINE of Dockerfile.runtime.
lock cpu --extra runtime
# What coqui-tts and PyTorch ask for, and nobody imports who only speaks: compilers, training, plots. And what only other
# backends need: this image speaks with XTTS-v2 alone.
unused=(absl-py audioread contourpy cycler fonttools grpcio hf-xet inflect joblib kiwisolver llvmlite markdown matplotlib
    monotonic-alignment-search more-itertools numba pillow pooch pyparsing pysbd scikit-learn tensorboard tensorboard-data-server
    threadpoolctl triton typeguard werkzeug
    flatbuffers hibari-tts ml-dtypes onnx onnxruntime)
lock xtts --extra runtime --extra xtts "${unused[@]/#/--no-emit-package=}"
# GLM-TTS asks for less, and hears its speakers in onnxruntime.
unused=(hibari-tts ml-dtypes onnx triton)
lock glm-tts --extra runtime --extra glm-tts "${unused[@]/#/--no-emit-package=}"
