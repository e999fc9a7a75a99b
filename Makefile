# The verbs of the project. `make help` prints them.
.DEFAULT_GOAL := help
SWIFT ?= swift
PREFIX ?= /usr/local
TOOLS := gibsey-index gibsey-context gibsey-ask gibsey-serve
SOURCES := $(wildcard Sources Tests Package.swift)
RELEASE := SWIFT=$(SWIFT) Scripts/build-release.sh
LOAD := .build/load
# The Swift toolchain has a compiler of C, too.
LOAD_CC := $(if $(filter default,$(origin CC)),clang,$(CC)) -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra
.PHONY: help demo model test test-live test-clients test-page test-daemon test-arm64 check lint examples bench load autobahn \
  sanitize soak torture bench-serve voice token-counts format man install clean setup

help: ## print this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 12

demo: ## a character answers from its book, with a model of its own; PROVIDER=ollama, openai or anthropic takes yours
	@Scripts/demo.sh $(if $(filter command,$(origin PROVIDER)),'$(PROVIDER)')

model: ## fetch and convert the embedding model, once
	@Scripts/model.sh

setup:
	@Scripts/setup.sh ca-certificates git libcurl4-openssl-dev libsqlite3-dev pkg-config

test: setup ## build and run all tests
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

test-live: setup ## gibsey-ask against a real model over all three wires
	@Scripts/setup.sh python3 python3-venv
	$(SWIFT) build
	@Scripts/test-live.sh "$$($(SWIFT) build --show-bin-path)"
	@Scripts/test-clients.sh "$$($(SWIFT) build --show-bin-path)"

test-clients: setup ## gibsey-serve and other people's clients: openai, llm, websockets; no model needed
	@Scripts/setup.sh python3 python3-venv
	$(SWIFT) build
	@Scripts/test-clients.sh "$$($(SWIFT) build --show-bin-path)"

test-daemon: setup ## systemd's check of the units, nginx and Caddy before the daemon, its events through Kafka
	@Scripts/setup.sh python3 python3-venv curl openssl systemd nginx-light caddy kcat
	$(SWIFT) build
	@Scripts/test-daemon.sh "$$($(SWIFT) build --show-bin-path)"

test-arm64: ## the kernels on an emulated arm64: do they give the same bits as here
	@Scripts/setup.sh libc6-dev libc6-dev-arm64-cross libgcc-12-dev-arm64-cross qemu-user
	@Scripts/test-arm64.sh

test-page: setup ## the reader's page in a real browser, on a real gibsey-serve; TESTS='NAME …' runs some
	@Scripts/setup.sh python3
	$(SWIFT) build
	@Scripts/test-page.sh "$$($(SWIFT) build --show-bin-path)" $(TESTS)

check: lint examples ## lint, examples, manual, then all tests
	@$(MAKE) --no-print-directory test

lint: ## Swift format and man pages
	$(SWIFT) format lint --strict --recursive --configuration .swift-format $(SOURCES)
	@Scripts/setup.sh mandoc
	mandoc -T lint -W warning man/*.[1578]

examples: setup ## run the examples against the built tools
	@Scripts/setup.sh python3 curl
	$(SWIFT) build
	@Scripts/examples.sh "$$($(SWIFT) build --show-bin-path)"

bench: setup ## measure against the peers; one JSON line each
	@Scripts/setup.sh python3 sqlite3 curl
	$(RELEASE)
	python3 Benchmarks/bench.py "$$($(RELEASE) --show-bin-path)" $(ARGS)

load: setup
	@Scripts/setup.sh python3 python3-venv libc6-dev
	$(RELEASE)
	@mkdir -p $(LOAD)
	cd Benchmarks/serve && $(LOAD_CC) -o ../../$(LOAD)/upstream upstream.c
	cd Benchmarks/serve && $(LOAD_CC) -o ../../$(LOAD)/load load.c waiting.c churn.c websocket.c records.c process.c

bench-serve: load ## measure gibsey-serve under load against its peer; every token is checked; one JSON line each
	@python3 Benchmarks/serve/bench.py "$$($(RELEASE) --show-bin-path)" $(LOAD) $(ARGS)

torture: load ## crashes, no descriptors left, readers that dribble, fall silent or leave, against gibsey-serve
	@python3 Benchmarks/serve/torture.py "$$($(RELEASE) --show-bin-path)" $(LOAD) $(ARGS)

soak: load ## half an hour of readers that come and go: does memory grow, is a token lost; MINUTES=5 for less
	@python3 Benchmarks/serve/soak.py "$$($(RELEASE) --show-bin-path)" $(LOAD) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

sanitize: setup ## all tests on builds that watch for races, and for wrong uses of memory; ARGS='thread --filter ServeTests'
	@SWIFT='$(SWIFT)' Scripts/sanitize.sh $(ARGS)

autobahn: setup ## the Autobahn Testsuite against the frames of gibsey-serve; wants a Python 2.7
	@Scripts/setup.sh python3
	$(SWIFT) build --build-tests
	@Scripts/autobahn.sh "$$($(SWIFT) build --show-bin-path)" $(ARGS)

voice: ## whose voice a text has, held against the novel; ANSWERS=FILE (and PROMPTS=FILE) for answers
	@Scripts/setup.sh python3
	@python3 Scripts/voice.py $(if $(ANSWERS),--answers $(if $(PROMPTS),--prompts '$(PROMPTS)') <'$(ANSWERS)')

token-counts: ## count the tokens of the tests' texts again, with real tokenizers
	@Scripts/token-counts.sh

format: ## format all Swift
	$(SWIFT) format --in-place --recursive --configuration .swift-format $(SOURCES)

man: ## show the manual
	man -l man/gibsey.7

install: setup ## build, strip and install programs and man pages under PREFIX
	$(RELEASE)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/man/man8
	set -e; for tool in $(TOOLS); do install -s .build/release/$$tool $(DESTDIR)$(PREFIX)/bin; done
	set -e; for page in man/*.[1578]; do install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}; done

clean: ## remove what was built; the demo's model too
	rm -rf .build .demo
