# Everything goes through one virtual environment, made on first use.
# Without make, the same by hand:
#   python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e '.[dev]'
#   .venv/bin/arabench demo        # make demo
#   .venv/bin/python -m pytest     # make test

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
OUT    ?= demo-out
SCALE  ?= full
EXTRAS ?= dev

.PHONY: demo test test-slow check bench models clean

# torch first, by its pinned version: a bare "torch" can pull several GB of CUDA packages.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "arabench needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "python venv is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/arabench demo --output $(OUT) --scale $(SCALE) $(if $(DATA),--data $(DATA))

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# What takes minutes and shows the same again: a kill and a resumption for every training method.
test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MYPY="$(abspath $(BIN))/mypy" tools/typecheck.sh
	$(BIN)/python tools/check/imports.py
	$(BIN)/python tools/check/house.py
	$(BIN)/vulture
	$(BIN)/python tools/make_task_yaml.py --check
	$(BIN)/python tools/make_readme.py --check
	$(BIN)/python tools/count_written.py --check

# With DATA, words are those of real text: repeated sentences flatter caches.
WORDS = $(if $(DATA),$(DATA)/wiki/ar.tsv)

bench: $(READY)
	$(BIN)/python tests/bench/bench_normalize.py
	$(BIN)/python tests/bench/bench_corpus.py
	$(BIN)/python tests/bench/bench_sentences.py
	$(BIN)/python tests/bench/bench_dedup.py
	$(BIN)/python tests/bench/bench_filter.py
	$(BIN)/python tests/bench/bench_audit.py
	$(BIN)/python tests/bench/bench_engines.py
	$(BIN)/python tests/bench/bench_morph.py $(WORDS)
	$(BIN)/python tests/bench/bench_camel.py $(WORDS)
	$(BIN)/python tests/bench/bench_dialect.py $(WORDS)
	$(BIN)/python tests/bench/bench_startup.py
	$(BIN)/python tests/bench/bench_eval.py --limit 40 --parts lm,mt,start,commands

# Trains the shipped models again from DATA; the same bytes come out (git diff shows nothing).
models: $(READY)
	@test -n "$(DATA)" || { echo "say where the corpora are: make models DATA=../shared/data"; exit 2; }
	$(BIN)/python tools/train_segmenter.py --data $(DATA)
	$(BIN)/python tools/train_dialect.py $(DATA)
	$(BIN)/python tools/train_arabizi.py --data $(DATA)

clean:
	rm -rf .build build dist demo-out .pytest_cache .mypy_cache .ruff_cache
