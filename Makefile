# Everything lives in .dev/, which git ignores. `make` alone lists the targets.
#
# From the environment:
#   ODOO_HOME=/path/to/odoo        an Odoo 19.0 checkout instead of the fetched one
#   WABA_PG=postgresql://me@host   a PostgreSQL server instead of the private one; its role needs
#                                  CREATEDB and must not be called postgres, which Odoo refuses
#   WABA_PYTHON_PROGRAM=python3.12 the Python (3.10 to 3.13) to make the virtual environment with
.DEFAULT_GOAL := help
.PHONY: help setup demo demo-check test test-fast fuzz torture bench docs lint odoo stop clean

DB ?= waba_dev
PORT ?= 8069

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## fetch Odoo 19, Python packages, PostgreSQL and a browser into .dev/
	@dev/setup

demo: ## a running Odoo with demo data and the simulated Cloud API
	@dev/demo

demo-check: ## the demo's scenario, run and checked without a person
	@dev/demo --check

test: ## every test, by two workers
	@dev/test

test-fast: ## the tests without a browser, the simulator or other processes (two minutes)
	@dev/test --fast

fuzz: ## broken and hostile webhook bodies at our door (ten minutes; the tests take a minute)
	@dev/fuzz

torture: ## kills, crowds and a misbehaving platform against the engine (a quarter of an hour)
	@dev/torture

bench: ## how fast it is, beside its peers (an hour; one of them: dev/bench NAME)
	@dev/bench

docs: ## draw docs/architecture.md, list the rules of docs/template-rules.md
	@dev/architecture
	@dev/template-rules

lint: ## ruff and pylint-odoo
	@dev/lint

odoo: ## Odoo for development, updating the addon (DB=waba_dev PORT=8069)
	@dev/odoo -d $(DB) -i waba_campaign -u waba_campaign --with-demo --http-port $(PORT) --dev xml

stop: ## stop the checkout's PostgreSQL
	@dev/pg stop

clean: stop ## forget everything that setup made
	rm -rf .dev
