# The same commands for people and for CI. Everything is installed into .venv, and only when the
# pins or pyproject.toml changed.

HOST ?= 127.0.0.1
PORT ?= 8000
# cpu or gpu: which ONNX Runtime is installed. The two exclude each other.
FLAVOUR := $(or $(FLAVOUR),$(shell nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu))
COVERAGE ?= 90
# As many processes as cores, each with neighbouring tests; 0 for one that a debugger can enter.
TEST_PROCESSES ?= auto
PYTEST_ARGS ?=
CHAOS_ARGS ?=

BIN := .venv/bin
comma := ,
SERVE_READY := .venv/.ready-$(FLAVOUR)-serve
DEV_READY := .venv/.ready-$(FLAVOUR)-dev
PACKAGING := pyproject.toml constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_WARN_SCRIPT_LOCATION := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install serve test lint format docs bench bench-family bench-serving schemathesis soak \
	fuzz bulk chaos sbom

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(DEV_READY)  ## set up .venv with everything: service, training, tests

serve: $(SERVE_READY)  ## serve the models in models/ (HOST=127.0.0.1 PORT=8000)
	@exec $(BIN)/ganserve serve --host $(HOST) --port $(PORT)

# Its processes, hundreds of them, would each compile all of PyTorch where bytecode is switched off.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(DEV_READY)  ## run all tests but those marked gpu and network, with the coverage gate
	$(BIN)/python -m pytest -m "not gpu and not network" --numprocesses $(TEST_PROCESSES) --dist worksteal \
		--cov --cov-fail-under=$(COVERAGE) $(PYTEST_ARGS)

lint: $(DEV_READY)  ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(DEV_READY)  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(DEV_READY)  ## write the documentation site to build/site; a broken link fails
	$(BIN)/python -m mkdocs build --quiet

bench: $(SERVE_READY)  ## measure the service on this machine
	@$(BIN)/ganserve bench

bench-family: $(DEV_READY)  ## train and compare the GAN systems; hours on a CPU
	$(BIN)/python -m benchmarks.family

bench-serving: $(DEV_READY)  ## measure the service beside other model servers; needs wrk and node
	$(BIN)/python -m benchmarks.serving

schemathesis: $(DEV_READY)  ## ask whatever /openapi.json allows and forbids; 15 minutes
	$(BIN)/python -m tests.api_proof.run

sbom: $(DEV_READY)  ## write what the service installs, with licences, to build/sbom.cdx.json
	$(BIN)/python -m deploy.sbom --extras $(FLAVOUR)

fuzz: $(DEV_READY)  ## read 20,000 spoilt files of each kind; three minutes
	FUZZING_EXAMPLES=20000 $(BIN)/python -m pytest tests/app/test_fuzzing.py --durations=0 \
		--numprocesses $(TEST_PROCESSES) --dist worksteal

soak: $(DEV_READY)  ## keep the service busy for ten minutes and see whether it grows
	$(BIN)/python -m tests.soak.run

bulk: $(DEV_READY)  ## write 200,000 images twice, interrupted, and compare them; half an hour
	$(BIN)/python -m tests.bulk_proof.run

chaos: $(DEV_READY)  ## put faults in at random under load for two minutes (CHAOS_ARGS="--seed 7")
	$(BIN)/python -m tests.chaos.run $(CHAOS_ARGS)

# $(call install,EXTRAS): the other flavour goes first, since both own the directory onnxruntime/.
define install
	@if ls .venv/.ready-* >/dev/null 2>&1 && ! ls .venv/.ready-$(FLAVOUR)-* >/dev/null 2>&1; then \
		$(BIN)/python -m pip uninstall --quiet --yes onnxruntime onnxruntime-gpu && rm .venv/.ready-*; \
	fi
	@echo "Installing ganserve[$(1)] into .venv"
	@$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[$(1)]'
endef

$(SERVE_READY): $(PACKAGING) | $(BIN)/python
	$(call install,$(FLAVOUR))
	@touch $@

$(DEV_READY): $(PACKAGING) | $(BIN)/python
	$(call install,$(FLAVOUR)$(comma)train$(comma)otel$(comma)ray$(comma)dev$(comma)docs)
	@touch $(SERVE_READY) $@

# The first Python that is new enough; PYTHON=... overrides the search.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv .venv; \
		fi; \
	done; echo "ganserve needs Python 3.11 or newer; none was found" >&2; exit 1
