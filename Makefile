# make gate   set up, start the replica, measure it, print the verdict
# make test   set up, check the code, run the project's own tests
# make prove  show that each scenario can fail: break one thing after the other
# make bench  how fast: replica, gate
# make lock   write requirements.txt anew from pyproject.toml (ARGS=--upgrade: newest versions)
# make clean  remove what make made here (the cache of installed tools stays)
#
# ARGS="..." goes to golive, to pytest or to uv. make itself exits 2 for whatever status but
# 0 and prints the real one; who needs it (1 NO-GO, 3 INCOMPLETE) calls .venv/bin/golive gate.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
READY := .venv/.ready

.PHONY: gate
gate: $(READY)
	@$(BIN)/golive gate $(ARGS)

.PHONY: test
test: $(READY)
	@$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m golive.toolchain
	$(BIN)/pytest -rs -n 2 --dist loadfile --ignore=tests/checklist $(ARGS)

.PHONY: prove
prove: $(READY)
	@$(BIN)/golive prove $(ARGS)

.PHONY: bench
bench: $(READY)
	@$(BIN)/python benchmarks/speed.py

# uv where it is: seconds instead of half a minute. Both install exactly requirements.txt.
$(READY): requirements.txt pyproject.toml
	@rm -f $@
	if command -v uv >/dev/null; then
	    echo "setting up .venv with uv"
	    export UV_PYTHON_DOWNLOADS=never
	    [ -n "$${SSL_CERT_FILE:-}" ] || export UV_SYSTEM_CERTS=1
	    $(BIN)/python -c '' 2>/dev/null || uv venv --clear --quiet --python 3.11 .venv
	    uv pip sync --python $(BIN)/python --require-hashes requirements.txt
	    uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	else
	    echo "setting up .venv with pip (with uv on the PATH it takes seconds)"
	    if ! command -v python3.11 >/dev/null; then
	        echo "golive needs Python 3.11 (python3.11 is not on the PATH)" >&2
	        exit 1
	    fi
	    if ! python3.11 -c 'import ensurepip' 2>/dev/null; then
	        if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	            echo "python3.11 cannot make a venv here: it lacks ensurepip." >&2
	            echo "On Debian, as root: apt-get install python3-venv" >&2
	            exit 1
	        fi
	        apt-get -q update
	        DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends python3-venv
	    fi
	    python3.11 -m venv --clear .venv
	    $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
	        --require-hashes --requirement requirements.txt
	    $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps \
	        --no-build-isolation --editable .
	fi
	touch $@

# The machine's own wheel folders and further indexes would put their hashes into the lock.
.PHONY: lock
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	[ -n "$${SSL_CERT_FILE:-}" ] || export UV_SYSTEM_CERTS=1
	env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL \
	    UV_CUSTOM_COMPILE_COMMAND="make lock" \
	    uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --group dev $(ARGS) \
	    --output-file requirements.txt pyproject.toml

.PHONY: clean
clean:
	@rm -rf .venv report .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
