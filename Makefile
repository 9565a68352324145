.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
CHECKOV := .checkov
AWSCLI := .awscli
CDK := .cdk
WEB := .web
TEMPLATES := template.yaml pipeline/template.yaml app/template.yaml $(wildcard statemachines/*/*.yaml)
EXAMPLES := $(wildcard examples/*/*.yaml)

.PHONY: help setup run test lint parity cdk acceptance faults planted interleavings fuzz permissions paste load callers bench bench-console pictures assets format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install the locked packages into .venv

# uv installs the locked packages in seconds; pip does the same, slower, where uv finds no index.
$(READY): requirements/uv.txt requirements/dev.txt pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "stepline needs Python 3.11 or newer; python3 is $$(python3 --version)" >&2; exit 1; }
	@echo "Installing what stepline needs into $(VENV) ..."
	@python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r requirements/dev.txt \
	  || $(PYTHON) -m pip install --quiet --require-hashes -r requirements/dev.txt
	@$(VENV)/bin/uv pip install --quiet --python $(PYTHON) --no-deps --no-build-isolation --editable .
	@touch $@

# checkov has an environment of its own: it pins another boto3.
$(CHECKOV)/.ready: $(READY) requirements/checkov.txt
	@python3 -m venv $(CHECKOV)
	@$(VENV)/bin/uv pip install --quiet --python $(CHECKOV)/bin/python --require-hashes -r requirements/checkov.txt \
	  || $(CHECKOV)/bin/python -m pip install --quiet --require-hashes -r requirements/checkov.txt
	@touch $@

$(AWSCLI)/.ready: $(READY) requirements/awscli.txt
	@python3 -m venv $(AWSCLI)
	@$(VENV)/bin/uv pip install --quiet --python $(AWSCLI)/bin/python --require-hashes -r requirements/awscli.txt \
	  || $(AWSCLI)/bin/python -m pip install --quiet --require-hashes -r requirements/awscli.txt
	@touch $@

# aws-cdk-lib has 300 MB, and its own Node: only the synthesis of the example needs them.
$(CDK)/.ready: $(READY) requirements/cdk.txt
	@python3 -m venv $(CDK)
	@$(VENV)/bin/uv pip install --quiet --python $(CDK)/bin/python --require-hashes -r requirements/cdk.txt \
	  || $(CDK)/bin/python -m pip install --quiet --require-hashes -r requirements/cdk.txt
	@touch $@

run: $(READY) ## Push the sample application through the pipeline, locally, end to end (ARGS="--port 4567")
	@$(VENV)/bin/stepline run $(ARGS)

test: $(READY) ## Run the tests; those in a browser need Chromium (apt install chromium)
	@$(PYTHON) -m pytest

lint: $(READY) $(CHECKOV)/.ready ## Check formatting, lint, types, the floors and the templates
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(VENV)/bin/cfn-lint $(TEMPLATES) $(EXAMPLES)
	@$(CHECKOV)/bin/checkov $(addprefix --file ,$(TEMPLATES))

parity: $(READY) ## Compare the local AWS with AWS, on cases from AWS's own material (ARGS="stepfunctions")
	@$(PYTHON) -m tests.parity $(ARGS)

cdk: $(READY) $(CDK)/.ready ## Synthesize the CDK example, and compare with what the tests deploy (ARGS="--write")
	@$(PYTHON) -m tests.end_to_end.action_alone.synthesis $(CDK) $(ARGS)

faults: $(READY) ## Inject one or two faults at every AWS call, and check invariants (ARGS="--help")
	@$(PYTHON) -m tests.faults $(ARGS)

acceptance: $(READY) ## Deploy all systems to the AWS of the environment, use and delete them (ARGS="--help")
	@$(PYTHON) -m tests.acceptance $(ARGS)

planted: $(READY) ## Introduce known bugs, each of which fault injection must find (ARGS="NAME")
	@$(PYTHON) -m tests.faults.planted $(ARGS)

interleavings: $(READY) ## Run several pipelines, faults and other processes in random order (ARGS="--seconds 300")
	@$(PYTHON) -m tests.interleavings $(ARGS)

fuzz: $(READY) ## Search for input that does not end in one clear message (ARGS="--seconds 300")
	@POWERTOOLS_LOG_LEVEL=CRITICAL $(PYTHON) -m tests.bad_input.fuzz $(ARGS)

permissions: $(READY) ## Remove each permission in turn and report what fails
	@$(PYTHON) -m tests.iam.mutations $(ARGS)

paste: $(READY) $(AWSCLI)/.ready ## Run every command of the documentation (ARGS="docs/batch.md")
	@$(PYTHON) -m tests.docs.paste $(ARGS)

load: $(READY) ## Run a thousand pipeline executions at once through the local AWS
	@POWERTOOLS_LOG_LEVEL=CRITICAL $(PYTHON) -m benchmarks.load $(ARGS)

callers: $(READY) ## Measure the sample service with 500 waiting callers (ARGS="--quick")
	@$(PYTHON) -m benchmarks.waiting_callers $(ARGS)

bench: $(READY) ## Measure the figures of docs/benchmarks.md
	@POWERTOOLS_LOG_LEVEL=CRITICAL $(PYTHON) -m benchmarks

bench-console: $(READY) ## Measure the console in a browser
	@$(PYTHON) -m benchmarks.console

format: $(READY) ## Format the code
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/ruff check --quiet --fix .

lock: $(READY) ## Resolve the dependencies again and write the lock files
	@$(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --group dev --extra console --extra local --extra service pyproject.toml -o requirements/dev.txt
	@$(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header requirements/cdk.in -o requirements/cdk.txt
	@$(VENV)/bin/uv pip compile -q --upgrade --no-deps --universal --python-version 3.13 --generate-hashes \
	  --no-emit-index-url --no-header pipeline/requirements.in -o pipeline/requirements.txt
	@$(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header requirements/checkov.in -o requirements/checkov.txt
	@$(VENV)/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header requirements/awscli.in -o requirements/awscli.txt

pictures: $(READY) ## Make the pictures of the console again (needs Chromium)
	@$(PYTHON) -m tests.console.pictures $(ARGS)

# npm checks the packages against the lock file, and runs none of their scripts.
assets: $(READY) ## Download the scripts of the console again
	@mkdir -p $(WEB)
	@cp requirements/web/package.json requirements/web/package-lock.json $(WEB)
	@npm ci --prefix $(WEB) --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(PYTHON) requirements/web/copy.py $(WEB)/node_modules stepline/console/static/vendor

clean: ## Delete what the targets above created
	@rm -rf $(VENV) $(CHECKOV) $(AWSCLI) $(CDK) $(WEB) .aws-sam statemachines/*/.aws-sam .stepline .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# What `sam build` runs for each function: its code, and the packages that the runtime lacks.
build-%:
	@python3 -m stepline.deployment.function_package "$(ARTIFACTS_DIR)"
