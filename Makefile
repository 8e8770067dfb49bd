# Each target runs one file of scripts/, which also runs without make: sh scripts/run.
# ARGS is passed on: make test ARGS="tests/unit -k settings", make run ARGS="--help".

ARGS ?=
N ?= 100

.DEFAULT_GOAL := help
.PHONY: help setup run check test soak lint format image bench chaos real lock sbom audit newest clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup:  ## create .venv and find or start a Docker Engine; the other targets do it too
	@sh scripts/setup $(ARGS)

run:  ## try Handoff: playground, bot and demo model, set-up included
	@sh scripts/run $(ARGS)

check:  ## lint and unit tests, about a minute; run it before each commit
	@sh scripts/check $(ARGS)

test:  ## all tests except soak, set-up included
	@sh scripts/test $(ARGS)

soak:  ## long tests before a release: chaos, leaks, compose, benchmarks against peers
	@sh scripts/soak

lint:  ## ruff, mypy, import-linter
	@sh scripts/lint

format:  ## format the code with ruff, and write the settings docs
	@sh scripts/format

image:  ## build the bot's image, with an image registry or without
	@sh scripts/image $(ARGS)

bench:  ## run the benchmarks
	@sh scripts/bench $(ARGS)

chaos:  ## kill the bot at random moments and count lost tasks: make chaos N=100
	@sh scripts/chaos --jobs $(N) $(ARGS)

real:  ## everyday requests to a real model: OPENAI_BASE_URL's, or a small one on this machine
	@sh scripts/real $(ARGS)

lock:  ## resolve and pin the newest dependencies
	@$$(sh scripts/python) -m scripts.lock

sbom:  ## write the SBOM, build/sbom.json
	@$$(sh scripts/python) -m scripts.supply bill

audit:  ## check the sandbox's image, and all pins for known vulnerabilities
	@sh scripts/sandbox_image
	@$$(sh scripts/python) -m scripts.supply audit

newest:  ## list dependencies with newer releases
	@$$(sh scripts/python) -m scripts.supply newest

clean:  ## remove what these targets created in this folder
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
