# Each target is one file of scripts/, which does the work and can be run without make: sh scripts/run.
# ARGS goes on: make test ARGS="tests/unit -k settings", make run ARGS="--help".

ARGS ?=
N ?= 100

.DEFAULT_GOAL := help
.PHONY: help setup run check test soak lint format image bench chaos lock sbom audit newest clean

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## make .venv and find or start a Docker Engine, as the other targets do by themselves
	@sh scripts/setup $(ARGS)

run:  ## try Handoff here: playground, bot and demo model, all set-up included
	@sh scripts/run $(ARGS)

check:  ## lint and unit tests, in about a minute: before each commit
	@sh scripts/check $(ARGS)

test:  ## all tests but those of soak, all set-up included
	@sh scripts/test $(ARGS)

soak:  ## what needs long, before a release: chaos, leaks, compose, benchmarks against peers
	@sh scripts/soak

lint:  ## ruff, mypy, import-linter
	@sh scripts/lint

format:  ## rewrite the code in its one style
	@sh scripts/format

image:  ## build the bot as an image, with a registry or without one
	@sh scripts/image $(ARGS)

bench:  ## measure
	@sh scripts/bench $(ARGS)

chaos:  ## kill the bot at random moments: make chaos N=100
	@sh scripts/chaos --jobs $(N) $(ARGS)

lock:  ## resolve the dependencies anew
	@$$(sh scripts/python) -m scripts.lock

sbom:  ## write build/sbom.json, what the bot is made of
	@$$(sh scripts/python) -m scripts.supply bill

audit:  ## look at what is in the sandbox's image, and for known faults in what is locked
	@sh scripts/sandbox_image
	@$$(sh scripts/python) -m scripts.supply audit

newest:  ## tell which dependencies have newer releases
	@$$(sh scripts/python) -m scripts.supply newest

clean:  ## remove what these commands made in this folder
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
