# One obvious command for each thing a contributor does: `make help`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 8080
MINUTES ?= 10
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
JS := tests/contract/js
CLUSTER := PYTHONPATH=hack $(PYTHON) -m cluster

##@ Use it

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.runtime ## Speak examples/quickstart.yaml on this machine and serve it (PORT=8080, ONCE=1 ends after hello.wav).
	@$(BIN)/speaker-tts up -f examples/quickstart.yaml --port $(PORT) --say "Hello! This is your own speech service." -o hello.wav $(if $(filter 1,$(ONCE)),--once)

##@ Change it

.PHONY: setup
setup: $(VENV)/.dev $(VENV)/.js ## Make the development environment (.venv, and the JavaScript clients of the tests).

.PHONY: format
format: setup ## Format the code and apply the safe lint fixes.
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

.PHONY: generate
generate: setup ## Write every generated file anew (CRDs, chart copies, reference, picture).
	@PYTHONPATH=hack $(BIN)/python -m generate

.PHONY: golden
golden: setup ## Write the golden renders of the operator's children anew; read the diff.
	@UPDATE_GOLDEN=1 $(BIN)/pytest -q tests/unit/speaker_operator/render

.PHONY: lock
lock: $(UV) ## Renew requirements/*.lock from pyproject.toml.
	@hack/lock.sh $(UV)

##@ Check it

.PHONY: lint
lint: setup ## Lint, format check, strict types, layers, chart, generated files up to date.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@PYTHONPATH=hack $(BIN)/python -m generate --check
	@$(CLUSTER) helm lint --strict charts/speaker-tts

.PHONY: test
test: setup ## Run every test: unit, contract, API server, end to end (what cannot run here is skipped, and says why).
	@$(BIN)/pytest $(ARGS)

.PHONY: unit
unit: setup ## Run the tests that need nothing but Python (and curl, Node and Go for clients and shown programs).
	@$(BIN)/pytest tests/unit tests/contract $(ARGS)

.PHONY: apiserver
apiserver: setup ## Run the tests against a real etcd and kube-apiserver.
	@$(BIN)/pytest tests/apiserver $(ARGS)

.PHONY: e2e
e2e: setup ## Run the end-to-end tests on the cluster of build/kubeconfig (started if there is none).
	@$(BIN)/pytest tests/e2e $(ARGS)

.PHONY: e2e-xtts
e2e-xtts: setup ## Build the image with XTTS-v2 and try it here and on the cluster (40 GB of disk, about 20 minutes).
	@$(BIN)/pytest tests/engines/test_xtts.py $(ARGS)

.PHONY: e2e-glm-tts
e2e-glm-tts: setup ## The same with GLM-TTS, and both it and a small voice behind one gateway.
	@$(BIN)/pytest tests/engines/test_glm_tts.py $(ARGS)

##@ Measure it

BENCH := PYTHONPATH=hack $(BIN)/python -m bench

.PHONY: bench
bench: setup ## Measure speed against the goals (about 10 minutes); NAMES="throughput serving peer" picks some.
	@$(BENCH) run $(NAMES)

.PHONY: bench-peer
bench-peer: setup ## Measure Kokoro against a peer on the same weights (fetches both).
	@$(BENCH) run peer

.PHONY: bench-operator
bench-operator: setup ## Measure the operator on a real API server; PARTS="burst single" picks some.
	@$(BENCH) operator $(PARTS)

.PHONY: bench-xtts
bench-xtts: setup ## Measure XTTS-v2 against coqui-tts on random weights, on CPUs (about 12 minutes).
	@$(BENCH) run xtts

.PHONY: bench-glm
bench-glm: setup ## Measure GLM-TTS on random weights, against a checkout of the reference in GLM_TTS_REFERENCE.
	@$(BENCH) run glm

.PHONY: soak
soak: setup ## Mixed traffic with disconnects, bad input and restarts (MINUTES=10).
	@$(BENCH) soak --minutes $(MINUTES)

.PHONY: bench-docs
bench-docs: setup ## Write docs/benchmarks.md from the results of the last runs.
	@$(BENCH) docs

##@ A real cluster

.PHONY: cluster
cluster: ## Start a disposable Kubernetes; its kubeconfig is build/kubeconfig.
	@$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## Stop the disposable Kubernetes and clean up after it.
	@$(CLUSTER) down

.PHONY: images
images: ## Build the operator and runtime images and load them into the cluster.
	@$(CLUSTER) images operator runtime

.PHONY: deploy
deploy: cluster images ## Install the operator into the cluster with Helm.
	@$(CLUSTER) helm upgrade --install speaker-tts charts/speaker-tts --namespace speaker-tts-system --create-namespace \
		--values hack/values-dev.yaml --wait --timeout 3m

##@ Housekeeping

.PHONY: clean
clean: ## Remove the environment and everything built here (not the cluster: make cluster-down).
	@rm -rf $(VENV) build dist hello.wav

$(UV):
	@$(PYTHON) hack/bootstrap.py $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.runtime: $(UV) requirements/cpu.lock pyproject.toml
	@test -e $(VENV)/.dev || $(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/cpu.lock
	@test -e $(VENV)/.dev || $(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# Compiled at once: tests start hundreds of processes, also where Python is told to write no bytecode.
$(VENV)/.dev: $(UV) requirements/dev.lock pyproject.toml
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.runtime $@

# Where there is no npm, the tests that need it say so.
$(VENV)/.js: $(JS)/package-lock.json $(JS)/package.json | $(UV)
	@! command -v npm >/dev/null || { (cd $(JS) && npm ci --silent --no-audit --no-fund) && touch $@; }
