# Targets a person types: setup, demo, test, bench, install, rollback. Each does what it needs first.
SHELL := /bin/bash
BIN := .venv/bin

.PHONY: help install rollback setup demo test lint unit bench phonehead gist whospeaks lock

help:
	@echo "make demo   hear a real conversation come out as events (sets itself up first)"
	@echo "make test   lint, types, import arrows and the whole test suite"
	@echo "make bench  measure; writes bench/results.json"
	@echo "make install, make rollback  releases under /opt/radio-gateway, as root"
	@echo "make setup  system packages, .venv and speech models; safe to run again"

setup:
	@bash tools/setup.sh

demo: setup
	@$(BIN)/python -m tools.demo

test: setup lint unit

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit:
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile

bench: setup
	$(BIN)/python -m bench.run

# Hours on two cores, resumable but for the training. HUMAN=DIR adds people's recordings (manifest.csv beside them).
HEAD := .cache/phonehead
TRAIN := .venv-tools/bin/python -m tools.phonehead
WHISPER = $(shell $(BIN)/python -c "from gateway.recognise import models; print(models.path_of('whisper-base'))")

phonehead: setup
	test -d .venv-tools || python3 -m venv .venv-tools
	.venv-tools/bin/python -m pip install -q -r tools/requirements-train.txt
	$(TRAIN).speech --out $(HEAD)/speech --count 904
	$(TRAIN).speech --out $(HEAD)/speech --start 10000 --count 10552
	$(TRAIN).speech --out $(HEAD)/speech --start 12000 --count 12223
	$(TRAIN).speech --out $(HEAD)/speech --start 20000 --count 20408
	$(TRAIN).speech --out $(HEAD)/speech --start 30000 --count 30180
	$(TRAIN).speech --out $(HEAD)/speech --start 40000 --count 40444
	$(TRAIN).features $(WHISPER) $(HEAD)/synthetic $(HEAD)/speech --copies 3 --alone 4
	$(TRAIN).features $(WHISPER) $(HEAD)/synthetic $(HEAD)/speech --copies 1 --first-copy 6 --alone 3
	$(if $(HUMAN),$(TRAIN).features $(WHISPER) $(HEAD)/human $(HUMAN) --copies 2 --alone 6)
	$(TRAIN).train $(HEAD)/head.pt $(HEAD)/synthetic $(if $(HUMAN),$(HEAD)/human) --epochs 30 --seed 1 \
	    --blocks 8 --temperature 1.15 --onnx gateway/recognise/phonehead.onnx

# What all words of a call come to: 40 seconds. The weights beside it: python -m tools.gist.fit --write.
gist: setup
	$(BIN)/python -m tools.gist.train

# Who speaks, by all the words around a name: a quarter of a minute. What it counts for: make phonehead's last step.
whospeaks: setup
	$(BIN)/python -m tools.whospeaks.train

install:
	@bash tools/install.sh install

rollback:
	@bash tools/install.sh rollback

# The lock files name versions and hashes and no index, so that they install from any mirror.
lock:
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	    --no-emit-find-links --allow-unsafe --strip-extras --extra dev --extra demo -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	    --no-emit-find-links --strip-extras -o requirements-soundcard.lock requirements-soundcard.in
