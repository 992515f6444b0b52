# Everything a person or CI does here. `make help` lists it.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
HOST ?= 127.0.0.1
PORT ?= 8000
PROGRAMMES ?= $(wildcard programmes/*/programme.toml)
MODEL ?= fundstelle-e5
# PyTorch's own index has the CPU build for every platform; where it is out of reach, pip's default is used.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := torch==2.13.0

export HF_HUB_DISABLE_TELEMETRY = 1
export TOKENIZERS_PARALLELISM = false

.DEFAULT_GOAL := help
.PHONY: help run install ingest serve eval eval-pdf bench bench-pdf load scale test-cluster fuzz audit schema faults train format lint types test check floors screenshots image lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

run: ingest serve ## everything: environment, ingest of the bundled programme, server on port 8000

install: $(VENV)/.installed ## the environment, from the locked and hashed list

$(VENV)/.installed: requirements/all.txt requirements/peers.txt scripts/torch_index.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 install")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps $(TORCH) $$($(PYTHON) scripts/torch_index.py $(TORCH_INDEX))
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/all.txt
	$(RUN) scripts/only_new.py requirements/peers.txt requirements/all.txt | $(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r /dev/stdin
	@touch $@

ingest: install ## compile the programmes under programmes/ into var/index
	$(RUN) ingest.py --model $(MODEL) $(dir $(PROGRAMMES))

serve: install ## only the server: make serve PORT=… HOST=…
	$(RUN) -m bot --host $(HOST) --port $(PORT)

eval: var/index/dortmund-2025 ## hit rates, abstention, misses; HTML report in var/eval.html
	$(RUN) -m eval --floors --weights --misses

PDFS ?= $(wildcard ../shared/programmes-pdf/*.pdf)
eval-pdf: install ## the same on the SPD's programme of 2025, from its PDF in ../shared
	$(RUN) ingest.py --programmes var/programmes --slug spd-2025 ../shared/programmes-pdf/spd.pdf
	$(RUN) -m eval eval/spd.jsonl --bundle var/index/spd-2025 --report var/eval-spd.html --misses

bench-pdf: install ## what the PDF reader finds in PDFS, beside what stands in them
	$(RUN) -m bench.pdf --misses $(PDFS)

fuzz: install ## 2,000 odd files a format into the readers
	$(RUN) -m tests.fuzz --inputs 2000 $(if $(PDFS),--folder $(dir $(firstword $(PDFS))))

audit: install ## known holes in the locked packages (needs PyPI); what the image is made of, as an SBOM
	scripts/audit.sh
	$(RUN) scripts/sbom.py server > var/sbom-server.json
	$(RUN) scripts/sbom.py all > var/sbom-all.json

schema: install ## 20,000 made-up requests against the API's document
	$(RUN) -m bench.schema

faults: install ## ingest killed at 50 moments, 500 flipped bytes
	$(RUN) -m bench.faults

bench: var/index/dortmund-2025 ## latency, start-up, memory, ingest time
	$(RUN) -m bench

load: var/index/dortmund-2025 ## 200 questions a second for 5 minutes, then ten times that
	$(RUN) -m bench.load

scale: var/index/dortmund-2025 ## 250,000 passages in 3,000 programmes; a million vectors in one
	$(RUN) -m bench.scale

test-cluster: var/index/dortmund-2025 ## 3 Qdrant nodes, 2 bots, Redis, Caddy: each killed under load, 3,000 programmes
	$(RUN) scripts/qdrant.py
	$(RUN) -m bench.cluster

train: install ## make the encoder anew from ../shared/training and training/questions (hours on a CPU)
	$(RUN) -m training

format: install ## rewrite the code in one style
	$(VENV)/bin/ruff check --fix --quiet . ; $(VENV)/bin/ruff format --quiet .

lint: install ## style, imports, docstrings
	$(VENV)/bin/ruff format --check --quiet . && $(VENV)/bin/ruff check .

types: install ## mypy --strict over bot, index, eval and ingest.py
	$(VENV)/bin/mypy

test: install ## all tests, with the real programme, encoder and browser
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile

check: lint types ## lint and types, then the floors of the evaluation
	$(MAKE) --no-print-directory floors

floors: var/index/dortmund-2025
	$(RUN) -m eval --floors

var/index/dortmund-2025: install
	@test -e $@ && $(RUN) ingest.py --check programmes/dortmund-2025 || $(RUN) ingest.py programmes/dortmund-2025

screenshots: var/index/dortmund-2025 ## pictures of the pages into docs/img
	PYTHONPATH=. $(RUN) scripts/screenshots.py

image: var/index/dortmund-2025 ## the Dockerfile's steps for the bot, in a clean environment, without Docker
	scripts/check_image.sh

LOCK := --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: install ## the locked lists anew, from pyproject.toml
	$(RUN) -m pip install --quiet pip-tools==7.6.2
	$(VENV)/bin/pip-compile $(LOCK) --all-extras --unsafe-package torch -o requirements/all.txt pyproject.toml
	$(VENV)/bin/pip-compile $(LOCK) --constraint requirements/all.txt -o requirements/server.txt pyproject.toml
	$(VENV)/bin/pip-compile $(LOCK) -o requirements/peers.txt requirements/peers.in

clean: ## environment and bundles away
	rm -rf $(VENV) var
