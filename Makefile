# `make` alone lists what can be made.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= $(shell sh tools/find_python.sh 2>/dev/null)
VERSION := $(shell "$(PYTHON)" -c "import sys; print('%d.%d' % sys.version_info[:2])" 2>/dev/null)
VENV := .venv-$(VERSION)
BIN := $(VENV)/bin
SAM := .venv-sam/bin
CHECKOV := .venv-checkov/bin
EMULATOR := .venv-emulator/bin
POLICIES := .venv-policies/bin
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-west-2
# That region is for what runs here: in an account the account's own counts, unless it was set outside.
OWN_REGION = $(if $(filter file,$(origin AWS_DEFAULT_REGION)),env -u AWS_DEFAULT_REGION)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CKV_SKIP_PACKAGE_UPDATE_CHECK := True
# Bytecode is kept, whatever the shell says: a dozen processes would compile the same modules.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run replay anonymize flow migrate simulator console trigger doctor test lint types template suites soak bench profile startup build deploy package docs pages sizes lock clean
.PHONY: check coverage suite-unit-a suite-unit-b suite-unit suite-pure suite-measured suite-faults suite-killed suite-handler suite-simulator suite-flows suite-artefact suite-console suite-browser

help:  ## list what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s  %s\n", $$1, $$2}'
	@echo "  ./bridge        commands with arguments and exit statuses, from any folder"

# The commands are those of ./bridge. It sets up what they need, and its exit status says how a
# command ended: make itself ends with 2 whenever a recipe does not end with 0.
run:  ## replay events/ against the simulator, one line a sample
	@./bridge run $(ARGS)

replay:  ## replay real material as it was copied: make replay EVENT=path
	@./bridge replay "$(or $(EVENT),-)" $(ARGS)

anonymize:  ## make material fit to be shown: make anonymize IN=path OUT=path
	@./bridge anonymize "$(or $(IN),-)" "$(or $(OUT),$(error name the file to write: make anonymize IN=path OUT=path))"

flow:  ## walk a contact flow: make flow FLOW=flows/inbound.json
	@./bridge flow "$(or $(FLOW),$(error name a flow: make flow FLOW=path))" $(ARGS)

migrate:  ## move flows over from SCVL: make migrate FLOWS=folder
	@./bridge migrate "$(or $(FLOWS),$(error name a folder of exported flows: make migrate FLOWS=path))" \
	$(if $(FUNCTION),--function "$(FUNCTION)") $(if $(OUT),--out "$(OUT)")

simulator:  ## leave the simulator running, with the console on a web page
	@exec ./bridge simulator $(if $(PORT),--port $(PORT)) $(foreach setting,$(SET),--set "$(setting)") $(ARGS)

console:  ## replay events/ and watch the run on the console
	@exec ./bridge console $(if $(PORT),--port $(PORT)) $(ARGS)

trigger:  ## play a story in the simulator: make trigger STORY=inbound
	@./bridge trigger "$(or $(STORY),$(error name a story: make trigger STORY=inbound))" $(if $(PORT),--port $(PORT)) $(foreach field,$(SET),--set "$(field)") $(ARGS)

doctor:  ## check before the first call: make doctor SECRET=id STACK=name
	@$(OWN_REGION) ./bridge doctor "$(or $(SECRET),$(if $(STACK),,$(error name a secret: make doctor SECRET=id)))" \
	--stack "$(STACK)" --key-parameter "$(KEY_PARAMETER)" --region "$(REGION)" --audience "$(AUDIENCE)" $(ARGS)

# Needs nothing of make that 3.81 lacks: macOS has that one.
# The longest first, so that none is left alone at the end. No more than three at a time, and in CI two:
# the tests of a flow's budget need their share of two cores.
SUITES := suite-simulator suite-browser suite-killed suite-handler suite-faults suite-artefact suite-unit suite-pure suite-console suite-measured suite-flows

test:  ## lint, types, template checks and all test suites
	@$(MAKE) --no-print-directory -j4 $(VENV)/ready $(SAM)/ready $(CHECKOV)/ready $(EMULATOR)/ready $(POLICIES)/ready
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m tools.suites --make "$(MAKE)" --jobs $(if $(CI),2,3) --last coverage lint types template $(SUITES)

check: $(VENV)/ready  ## the inner loop, 40 s on two quiet cores: lint, types, units
	@$(BIN)/python -m tools.suites --make "$(MAKE)" --jobs 3 suite-unit-a suite-unit-b lint types

lint: $(VENV)/ready  ## ruff
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/ready  ## mypy, strict
	$(BIN)/mypy layers/voicecall_bridge/voicecall_bridge layers/voicecall_bridge/build.py layers/voicecall_bridge/pruning.py layers/voicecall_bridge/library_sources.py functions simulator doctor tools tests

template: $(VENV)/ready $(SAM)/ready $(CHECKOV)/ready $(POLICIES)/ready  ## sam validate --lint, cfn-lint, checkov, parliament
	$(SAM)/sam validate --lint
	$(SAM)/cfn-lint --regions us-east-1 us-west-2 --template template.yaml monitoring/template.yaml
	$(BIN)/python -m tools.expanded template.yaml .build
	$(CHECKOV)/checkov --config-file .checkov.yaml --file .build/default.json .build/options.json
	$(BIN)/python -m tools.policy_files .build/options.json .build/policies
	$(POLICIES)/python tools/policy_check.py .build/policies

suites: $(VENV)/ready $(SAM)/ready $(EMULATOR)/ready  ## all test suites, with branch coverage of the layer
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m tools.suites --make "$(MAKE)" --jobs $(if $(CI),2,3) --last coverage $(SUITES)

coverage:
	@$(BIN)/coverage combine -q && $(BIN)/coverage report

# Two halves, for two cores.
suite-unit-a: FOLDERS = tests/unit/test_[a-d]*.py
suite-unit-b: FOLDERS = tests/unit/test_[e-z]*.py tests/material/test_[b-z]*.py
suite-unit-a suite-unit-b:
	@$(BIN)/python -m pytest -q -p no:cacheprovider $(FOLDERS)

# Coverage is measured here alone: the unit tests take nearly every branch of the layer. The other
# suites run it between real servers, mostly in processes of the simulator, where no tracer is.
suite-unit:
	@$(BIN)/coverage run -m pytest -q -p no:cacheprovider tests/unit

# Side by side: part of what they do is wait for what hangs on purpose.
suite-pure: FOLDERS = tests/property tests/architecture tests/template tests/tools
suite-measured: FOLDERS = tests/performance tests/soak
FAULTS := tests/integration/test_fault_matrix.py tests/integration/test_lens_faults.py
KILLED := tests/integration/test_events_kill.py tests/integration/test_lens_kill.py tests/integration/test_retry_queue.py
suite-faults: FOLDERS = $(FAULTS)
suite-killed: FOLDERS = $(KILLED)
suite-handler: FOLDERS = tests/contract tests/integration $(FAULTS:%=--ignore=%) $(KILLED:%=--ignore=%)
suite-simulator: FOLDERS = tests/simulator
suite-artefact: FOLDERS = tests/artefact tests/emulator
suite-flows: FOLDERS = tests/flows tests/material tests/doctor
# A process of its own: one simulator runs in a process, and this one runs all the time.
suite-console: FOLDERS = tests/console
suite-pure suite-measured suite-faults suite-killed suite-handler suite-simulator suite-artefact suite-flows suite-console:
	@$(BIN)/python -m pytest -q -p no:cacheprovider $(FOLDERS)

# CI runs all of it; here what fits into a minute, where a Chromium is found.
suite-browser:
	@command -v chromium >/dev/null || { echo "left out: tests/browser needs Chromium (apt-get install chromium)"; exit 0; }; \
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/browser $(if $(CI),,-m "not full")

soak: $(VENV)/ready  ## random calls with faults and kills: make soak SEED=1
	@PYTHONPATH=layers/voicecall_bridge $(BIN)/python -m tests.soak --deliveries $(or $(DELIVERIES),100000) --seed $(or $(SEED),1)

bench: $(VENV)/ready  ## measure this tree beside another one: make bench BASE=main
	@$(BIN)/python -m tests.performance.bench --base "$(BASE)" $(ARGS)

profile: $(VENV)/ready  ## where a create, a record, an event and a start spend CPU
	@$(BIN)/python -m tests.performance.profile $(ARGS)

startup: $(VENV)/ready  ## measure the flow function's start, by memory
	@$(BIN)/python -m tests.performance.start_up

build: $(SAM)/ready  ## .aws-sam/build, without Docker
	PYTHON="$(abspath $(SAM)/python)" $(SAM)/sam build

deploy:  ## deploy, asking once: make deploy INSTANCE=alias SECRET=name
	@$(OWN_REGION) ./bridge deploy "$(or $(INSTANCE),$(error name the Connect instance: make deploy INSTANCE=alias SECRET=name))" "$(or $(SECRET),$(error name the secret: make deploy INSTANCE=alias SECRET=name))" $(if $(CALLS),--calls $(CALLS)) $(ARGS)

package: build $(VENV)/ready  ## .build/package: the files of a release; needs no account
	@$(BIN)/python -m tools.package

# tools/first-deployment runs it.
.PHONY: first-deployment
first-deployment: $(VENV)/ready $(SAM)/ready
	@$(OWN_REGION) $(BIN)/python -m tools.first_deployment $(ARGS)

docs: pages  ## write the pages' made parts and pictures; run their commands
	@PYTHONPATH=layers/voicecall_bridge $(BIN)/python -m tools.commands
	@$(BIN)/python -m tools.session
	@if command -v chromium >/dev/null; then \
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/browser -k "watched or conversation or fault" && \
	for name in story conversation faults; do cp .build/pictures/console-$$name.png docs/pictures/ || exit 1; done; \
	else echo "left as they are: the console's pictures need Chromium"; fi

pages: $(VENV)/ready  ## the part of docs that takes seconds: made parts, links
	@PYTHONPATH=layers/voicecall_bridge $(BIN)/python -m tools.field_mapping
	@$(BIN)/python -m tools.deploy_rights
	@$(BIN)/python -m tools.flow_pictures
	@$(BIN)/python -m tools.scvl
	@$(BIN)/python -m tools.differences
	@$(BIN)/python -m tools.links

sizes: $(VENV)/ready  ## sizes of the deployed package beside their limits
	@PYTHONPATH=layers/voicecall_bridge $(BIN)/python -m tools.sizes

lock: $(VENV)/ready  ## write the lock files anew from requirements*.txt
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install -q uv
	for name in layers/voicecall_bridge/requirements requirements/dev requirements/sam requirements/checkov requirements/emulator requirements/policies; do \
	.venv-lock/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11 $$name.txt -o $$name.lock || exit 1; done

clean:  ## remove everything that was made
	rm -rf .venv-* .aws-sam .build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/ready: requirements/dev.lock
	@test -n "$(VERSION)" || sh tools/find_python.sh >/dev/null
	@sh tools/set_up.sh $(VENV) "$(PYTHON)" requirements/dev.lock

$(SAM)/ready $(CHECKOV)/ready $(EMULATOR)/ready $(POLICIES)/ready: .venv-%/bin/ready: requirements/%.lock
	@test -n "$(VERSION)" || sh tools/find_python.sh >/dev/null
	@sh tools/set_up.sh .venv-$* "$(PYTHON)" $<
	@touch $@
