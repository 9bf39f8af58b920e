# Two commands are enough: `make run`, `make test`. Works with GNU make 3.81 (macOS).

.DEFAULT_GOAL := help
.PHONY: help run test check audit bench doctor env lock update-ytdlp update-pot clean
.NOTPARALLEL:

DENO := $(CURDIR)/.venv/bin/deno
LOCKED := requirements.lock pyproject.toml
UI_SOURCES := $(shell find ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*')

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: .venv/.installed-local ui/dist/index.html pot-provider/node_modules/.installed ## start everything on http://127.0.0.1:8080 (PORT, HOST and the rest: .env.example)
	@.venv/bin/python -m functions

test: .venv/.installed-test ui/dist/index.html pot-provider/node_modules/.installed ## check everything, then run every test (ARGS="-k name" goes to pytest)
	@scripts/system-tools.sh
	@scripts/check.sh
	@scripts/test.sh $(ARGS)

check: .venv/.installed-test ui/node_modules/.installed pot-provider/node_modules/.installed ## linters, formatters and type checkers
	@scripts/check.sh

audit: .venv/.installed-test ui/node_modules/.installed pot-provider/node_modules/.installed ## known weaknesses of what is locked, and bills of materials in dist/sbom
	@.venv/bin/python -m scripts.sbom
	@.venv/bin/python -m scripts.audit "$$(scripts/uv.sh)"

bench: .venv/.installed-test .venv-bench/.installed ## measure, side by side (ARGS="--smoke", ARGS="cpu memory")
	@scripts/system-tools.sh
	@.venv/bin/python -m bench $(ARGS)

doctor: .venv/.installed-local ## check store, proxy, tokens and one live analysis (ARGS="--video URL", "--json")
	@.venv/bin/python -m functions.analyze.doctor $(ARGS)

env: ## write .env with random keys; never overwrites
	@scripts/env.sh

lock: ## write requirements.lock anew (ARGS="--upgrade" for newer versions)
	@scripts/lock.sh $(ARGS)

update-ytdlp: .venv/.installed-test ## move to the newest yt-dlp and try it (VERSION=2026.10.26 for a certain one)
	@scripts/update-ytdlp.sh $(if $(filter command,$(firstword $(origin VERSION))),$(VERSION))

update-pot: .venv/.installed-test pot-provider/node_modules/.installed ## move the token service to the newest of what it is made of, and try it
	@scripts/update-pot.sh

clean: ## remove what the other commands have made, but not .env and not the state folder
	rm -rf .venv .venv-tools .venv-bench dist ui/dist ui/node_modules pot-provider/node_modules \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second run starts at once.
.venv/.installed-local: $(LOCKED)
	@scripts/install.sh local
	@touch $@

.venv/.installed-test: $(LOCKED)
	@scripts/install.sh test
	@touch .venv/.installed-local $@

.venv-bench/.installed: bench/peers.sh
	@bench/peers.sh
	@touch $@

# Either extra brings Deno.
ui/node_modules/.installed: ui/package.json ui/deno.json ui/deno.lock
	@test -x $(DENO) || $(MAKE) .venv/.installed-local
	cd ui && $(DENO) install --quiet --frozen
	@touch $@

pot-provider/node_modules/.installed: pot-provider/package.json pot-provider/deno.json pot-provider/deno.lock
	@test -x $(DENO) || $(MAKE) .venv/.installed-local
	cd pot-provider && $(DENO) install --quiet --frozen
	@touch $@

ui/dist/index.html: ui/node_modules/.installed $(UI_SOURCES)
	cd ui && $(DENO) task --quiet build
	@touch $@
