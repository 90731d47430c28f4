# One word per gate. `make run` and `make test` set up all they need in .venv first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
JS := tests/clients/js
# Tests of whole commands and of other people's clients, each in a process of its own.
OUTSIDE := tests/cli tests/clients
DEV := PYTHONASYNCIODEBUG=1 $(BIN)/python -X dev

.PHONY: run test format lint types house unit unit-outside unit-inside deep soak bench lock clean

# Emulator, proxy and an agent's turns, until Ctrl-C.
run: $(VENV)/run.stamp
	$(BIN)/edgeproxy demo

test: format lint types house unit

format: $(VENV)/test.stamp
	$(BIN)/ruff format --check

lint: $(VENV)/test.stamp
	$(BIN)/ruff check

types: $(VENV)/test.stamp
	$(BIN)/mypy

# Who may import whom, and the rules that no other tool knows.
house: $(VENV)/test.stamp
	$(BIN)/lint-imports
	$(DEV) -m pytest -q tests/test_house.py

# Two halves side by side: one waits for other processes most of the time, the other is busy itself.
unit: $(VENV)/test.stamp $(VENV)/clients.stamp $(VENV)/js.stamp $(VENV)/operate.stamp
	@$(MAKE) --no-print-directory --jobs 2 unit-outside unit-inside

unit-outside:
	$(DEV) -m pytest -q $(OUTSIDE)

unit-inside:
	$(DEV) -m pytest -q $(OUTSIDE:%=--ignore=%)

deep: $(VENV)/test.stamp
	EDGEPROXY_HYPOTHESIS=deep $(BIN)/python -m pytest --timeout 1200 tests/core tests/cache tests/sarvam tests/audio tests/phrases
	EDGEPROXY_KILLS=100 $(BIN)/python -m pytest --timeout 3000 tests/scenarios

# A proxy under mixed faults for SOAK_S seconds (600), an oracle on every turn; what became of them in build/soak.
soak: $(VENV)/test.stamp
	$(BIN)/python -m tests.soak

# How fast it is here: LiveKit's plugin cold and warm, then the turns of an agent compared with what agents
# do today (results and chart in build/bench), then the other budgets. Some minutes.
bench: $(VENV)/run.stamp
	rm -rf build/bench
	mkdir -p build/bench
	$(BIN)/edgeproxy demo --once --data-dir build/bench/demo
	$(BIN)/edgeproxy bench turns --json build/bench/turns.json --picture build/bench/turns.svg
	$(BIN)/python -m tests.bench

# Exact versions of everything, from an empty environment. Run it with the oldest Python supported, so
# that what is pinned exists for all of them. Only names and versions: where from is each machine's affair.
lock:
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip --disable-pip-version-check install --quiet --editable '.[test]'
	build/lock/bin/pip freeze --exclude-editable > build/lock/frozen.txt
	grep -E '^[A-Za-z0-9._-]+==[^ ]+$$' build/lock/frozen.txt > build/lock/pins.txt
	LC_ALL=C sort -f -o constraints.txt build/lock/pins.txt

# All that the other words made; not data.
clean:
	rm -rf $(VENV) $(JS)/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find edgeproxy tests -name __pycache__ -exec rm -rf {} +

# Setting up is skipped until the versions change.
$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo]'
	touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) install --quiet --constraint constraints.txt --editable '.[demo,test]'
	touch $@ $(VENV)/run.stamp

# Clients that tests/clients/ runs beside those of the tests' own environment: other people's versions.
$(VENV)/clients.stamp: tests/clients/requirements.txt | $(BIN)/pip
	$(PYTHON) -m venv $(VENV)/clients
	$(VENV)/clients/bin/pip --disable-pip-version-check install --quiet --no-deps --requirement $<
	touch $@

# And those in JavaScript. Without Node their tests say that they are skipped; looked for again each time.
$(VENV)/js.stamp: $(JS)/package.json $(JS)/package-lock.json $(JS)/.npmrc | $(BIN)/pip
	@PYTHON=$(PYTHON) .ci/packages node
	@if ! command -v node >/dev/null || ! command -v npm >/dev/null; then \
		echo 'make: no node and npm here; the clients in JavaScript are not run'; exit 0; fi; \
	mkdir -p $(VENV)/js && cp $^ $(VENV)/js && \
	npm ci --prefix $(VENV)/js --loglevel=error && \
	ln -sfn ../../../$(VENV)/js/node_modules $(JS)/node_modules && touch $@

# A browser and promtool. Without them their tests say that they are skipped; looked for again each time.
$(VENV)/operate.stamp: | $(BIN)/pip
	@PYTHON=$(PYTHON) .ci/packages operate
	@if command -v chromium >/dev/null && command -v promtool >/dev/null; then touch $@; fi

$(BIN)/pip:
	@PYTHON=$(PYTHON) .ci/packages
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'make: $(PYTHON) must be 3.11 or later and have venv; on Debian: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
