# Everything is installed below .venv and web_demo/node_modules; `make clean` removes both.
PYTHON ?= python3
IMAGE ?=
PRESET ?=
FAMILY ?= lapped
BIN := .venv/bin
FIXTURES := $(CURDIR)/build/fixtures

.PHONY: demo test lint types test-python test-oldest fuzz test-web browser web serve clean

demo: .venv/.installed  ## fits a photograph, or IMAGE=my.jpg, and leaves pictures, plot and table in out/
	$(BIN)/python -m bench.demo $(if $(IMAGE),"$(IMAGE)") $(if $(PRESET),--preset $(PRESET)) --family $(FAMILY)

test: lint types web_demo/node_modules/.installed test-python test-web  ## everything that has to hold

lint: .venv/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.installed
	$(BIN)/mypy

test-python: .venv/.installed
	$(BIN)/pytest -q -n auto --dist worksteal

# With the oldest versions of packages that are allowed; what needs bench's packages, or the newest tools, is left out.
OLDEST := .venv-oldest/bin/python
NOT_OLDEST := bench_supernet.py everyday.py onnx_tools.py page_codecs.py rd.py readme.py
test-oldest: .venv/.installed .venv-oldest/.installed
	ANIR_OLDEST_PYTHON=$(CURDIR)/$(OLDEST) $(BIN)/pytest -q tests/test_onnx_tools.py tests/test_fuzz.py -k oldest
	PYTHONPATH=toolchain:runtime_py $(OLDEST) -m pytest -q -n auto --dist worksteal -m "not slow" $(addprefix --ignore=tests/test_,$(NOT_OLDEST))

.venv-oldest/.installed: constraints-oldest.txt constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST) -m pip install -q -c constraints-oldest.txt -c constraints.txt -e '.[toolchain,demo]' hypothesis pytest pytest-xdist
	touch $@

fuzz: .venv/.installed  ## opens damaged files for ten minutes
	$(BIN)/python -m tests.fuzz --seconds 600

test-web: .venv/.installed web_demo/node_modules/.installed browser
	$(BIN)/python -m tests.e2e.make_fixtures $(FIXTURES)
	cd web_demo && npm run --silent check && ANIR_FIXTURES=$(FIXTURES) npm run --silent test

# Browsers for the tests: those that are missing are installed where this user may. Chromium has to be there;
# tests of Firefox are left out without it, and say so.
browser:
	@find_any() { for name in "$$@"; do command -v "$$name" >/dev/null && return; done; false; }; missing=; \
	find_any "$${CHROME_PATH:-chromium}" chromium chromium-browser google-chrome || missing=chromium; \
	find_any "$${FIREFOX_PATH:-firefox}" firefox firefox-esr || missing="$$missing firefox-esr"; \
	[ -z "$$missing" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  apt-get install -y -qq $$missing >/dev/null; } || [ "$${missing#chromium}" = "$$missing" ] || { \
	echo "The browser tests need Chromium: install it (Debian: sudo apt-get install chromium) or set CHROME_PATH." >&2; exit 1; }

web: web_demo/node_modules/.installed  ## builds the page into web_demo/dist, ready for any static host
	cd web_demo && npm run --silent build

serve: web  ## shows the page
	cd web_demo && npm run --silent serve

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(if $(CUDA),$(BIN)/pip install -q torch==2.13.0)
	@$(BIN)/pip install -q $(if $(CUDA),,-c constraints.txt) -e '.[dev]' || { echo "\
	If pip found no CPU build of torch: on Linux, set PIP_EXTRA_INDEX_URL to PyTorch's CPU wheels (pytorch.org, \
	Get Started, Pip, CPU) and run make again; with an NVIDIA GPU, run make CUDA=1." >&2; exit 1; }
	touch $@

web_demo/node_modules/.installed: web_demo/package.json web_demo/package-lock.json
	cd web_demo && npm ci --silent --no-audit --no-fund
	touch $@

clean:
	rm -rf .venv .venv-oldest build out web_demo/node_modules web_demo/dist
