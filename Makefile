# Everything happens in .venv, which a target makes when it needs it. Only Python and make have to be there.

VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := $(VENV)/Scripts
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test coverage test-browser test-wheel lint types bench long fuzz roles sources grammar notebooks screens problems docs dist clean

help:
	@echo 'make demo          a guided run of queries over a small model, then it is yours (needs no TensorFlow)'
	@echo 'make test          all tests; weightrepl/query and engine have to be covered whole (installs TensorFlow into $(VENV))'
	@echo 'make test-browser  notebooks in JupyterLab and Chromium (installs them; Chromium as root on Debian)'
	@echo 'make test-wheel    the tutorial and the how-tos with nothing but the wheel, also by uv and pipx; no TensorFlow'
	@echo 'make lint          ruff'
	@echo 'make types         mypy'
	@echo 'make coverage      all tests, and what of all rooms they reach'
	@echo 'make bench         time and memory beside other ways to read a weight'
	@echo 'make long          the properties, on many more random examples'
	@echo 'make fuzz          200,000 damaged files, each read or refused by name, within 2 s and 200 MB (Linux; some 25 minutes)'
	@echo 'make roles         write the table of weight names anew, from the installed Keras'
	@echo 'make sources       measure what is read of each format, and write tests/SOURCES.md anew'
	@echo 'make grammar       write the TextMate grammar of examples/vscode anew, from the tables of the language'
	@echo 'make notebooks     run the notebooks of examples/ and store what they show'
	@echo 'make screens       the pictures of docs/notebook.md, from JupyterLab'
	@echo 'make problems      write the page of problem codes anew, with what each looks like'
	@echo 'make docs          the site of the documentation, in build/site; a warning or a link that leads nowhere is an error'
	@echo 'make dist          the wheel and the source archive, in dist/, as the package index takes them'
	@echo 'make clean         take away all that the other targets made, $(VENV) too'

demo: $(VENV)/.installed
	$(BIN)/weightrepl --demo

PYTEST = $(BIN)/python -m pytest --numprocesses=3 --dist=loadfile -m 'not browser'
COVERAGE = --cov-branch --cov-report=
WATCHED = tests/query tests/engine tests/render tests/service tests/test_api.py tests/test_doctests.py tests/test_embeddings.py

# Only the two rooms that have to be covered whole are watched, and by those tests that cover them: being watched makes
# TensorFlow slower, too.
test: $(VENV)/.test
	$(PYTEST) $(COVERAGE) --cov=weightrepl/query --cov=weightrepl/engine $(WATCHED)
	$(BIN)/python -m coverage report --fail-under=100
	$(PYTEST) $(addprefix --ignore=,$(WATCHED))

coverage: $(VENV)/.test
	$(PYTEST) $(COVERAGE) --cov
	$(BIN)/python -m coverage report

# Where no browser can be had, that is said and nothing is tested; where there is one, all of it has to pass.
test-browser: $(VENV)/.test $(VENV)/.browser
	@if $(BIN)/python -m tests.browser.chromium; then \
		$(BIN)/python -m pytest -m browser tests/browser; \
	else \
		echo 'make test-browser: SKIPPED, nothing was tested: there is no Chromium, and none can be installed here' >&2; \
	fi

# As a newcomer has it: the wheel alone, in an environment of its own. uv and pipx are asked for it once; then uv does
# without the net. Of a command that it finds elsewhere pipx warns, so it finds none.
WHEEL = $(CURDIR)/build/wheel
ALSO = $(PAGES)
PAGES = docs/tutorial.md docs/how-to/*.md
BUILT = $(wildcard $(CURDIR)/dist/*.whl)
UV = $(WHEEL)/tools/bin/uv
UVX = $(UV) tool run --quiet --python $(WHEEL)/venv/bin/python --from $(BUILT)
PIPX = env PATH=/usr/bin:/bin PIPX_HOME=$(WHEEL)/pipx $(WHEEL)/tools/bin/pipx run --spec $(BUILT)

test-wheel: dist
	rm -rf $(WHEEL)
	$(PYTHON) -m venv $(WHEEL)/tools
	$(WHEEL)/tools/bin/python -m pip --disable-pip-version-check --quiet install uv pipx
	$(UV) --quiet venv --python $(PYTHON) $(WHEEL)/venv
	$(UV) --quiet pip install --python $(WHEEL)/venv/bin/python $(BUILT)
	$(WHEEL)/venv/bin/python tests/pages.py $(PAGES)
	$(UVX) weightrepl --version
	$(WHEEL)/venv/bin/python tests/pages.py --command '$(UVX) --offline weightrepl' $(ALSO)
	$(PIPX) weightrepl --version
	$(WHEEL)/venv/bin/python tests/pages.py --command '$(PIPX) weightrepl' docs/tutorial.md

lint: $(VENV)/.lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.lint
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python tests/bench/run.py

long: $(VENV)/.test
	WEIGHTREPL_LONG=1 $(BIN)/python -m pytest -m slow

fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz.run

roles: $(VENV)/.test
	$(BIN)/python tests/make_keras_roles.py

sources: $(VENV)/.test
	$(BIN)/python -m tests.readers.sources_page

grammar: $(VENV)/.installed
	$(BIN)/python -m tests.editors.make_grammar

notebooks: $(VENV)/.test
	$(BIN)/python -m tests.record_notebooks

screens: $(VENV)/.test $(VENV)/.browser
	$(BIN)/python -m tests.browser.record_screens

problems: $(VENV)/.test
	$(BIN)/python -m tests.make_problem_page

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

dist: $(VENV)/.release
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find weightrepl tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a group is installed again when pyproject.toml changed. --group came with pip 25.1.
$(VENV)/.pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "weightrepl needs Python 3.10 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed: $(VENV)/.pip pyproject.toml
	$(PIP) install --editable .
	@touch $@

$(VENV)/.%: $(VENV)/.installed pyproject.toml
	$(PIP) install --group $*
	@touch $@
