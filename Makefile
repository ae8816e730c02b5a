# `make help` says what there is. Every target is a few commands that also work by themselves.

CARGO ?= cargo

.PHONY: help demo test check fmt lint doc deny unit bench setup

help:
	@echo 'make demo    build, and find the recorded incident on three embedded brokers'
	@echo 'make check   format, lints, unit tests: what to run before a commit'
	@echo 'make test    everything; installs what that needs (see scripts/setup)'
	@echo 'make bench   benchmarks'
	@echo 'make deny    licences, advisories and sources of the dependencies'
	@echo 'make setup   only install what `make test` needs'

# The incident is CRITICAL, so the demo ends with 2. Only that is right here.
demo:
	@$(CARGO) build
	@$(CARGO) run --quiet -- demo; status=$$?; echo; \
	if [ $$status -eq 2 ]; then echo 'The demo found the incident and ended with 2 (CRITICAL), as it should.'; \
	else echo "The demo ended with $$status; it should find the incident and end with 2 (CRITICAL)."; exit 1; fi

# The tests come last, so that their own words are the last.
test: setup fmt lint doc
	scripts/deny --unless-unreachable
	$(CARGO) test --locked --doc
	$(CARGO) test --locked --no-fail-fast --lib --bins --tests

check: fmt lint unit

fmt:
	$(CARGO) fmt --check

lint:
	$(CARGO) clippy --locked --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps

unit:
	$(CARGO) test --locked --lib

deny:
	scripts/deny

bench:
	$(CARGO) bench --locked

setup:
	scripts/setup
