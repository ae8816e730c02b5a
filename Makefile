# `make help` says what there is. Every target is a few commands that also work by themselves.

CARGO ?= cargo

.PHONY: help demo test check fmt lint doc deny unit bench fuzz fuzz-check setup dist

help:
	@echo 'make demo    build, and find the recorded incident on three embedded brokers'
	@echo 'make check   format, lints, unit tests: what to run before a commit'
	@echo 'make test    everything; installs what that needs (see scripts/setup)'
	@echo 'make bench   benchmarks'
	@echo 'make fuzz    every fuzz target for FUZZ_SECONDS (20) each'
	@echo 'make deny    licences, advisories and sources of the dependencies'
	@echo 'make dist    a static binary with manual, completions and contrib in one tarball; tries it in a bare chroot'
	@echo 'make setup   only install what `make test` needs'

# The incident is CRITICAL, so the demo ends with 2. Only that is right here.
demo:
	@$(CARGO) build
	@$(CARGO) run --quiet -- demo; status=$$?; echo; \
	if [ $$status -eq 2 ]; then echo 'The demo found the incident and ended with 2 (CRITICAL), as it should.'; \
	else echo "The demo ended with $$status; it should find the incident and end with 2 (CRITICAL)."; exit 1; fi

# The tests come last, so that their own words are the last.
test: setup fmt lint fuzz-check doc
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

# The same target directory and profile: the dependencies are not built again.
fuzz-check:
	$(CARGO) check --locked --manifest-path fuzz/Cargo.toml --target-dir target

# With cargo-fuzz and a nightly compiler the inputs are guided; without them they are random.
FUZZ_SECONDS ?= 20
fuzz:
	@for target in $$(sed -n 's/^name = "\([a-z_]*\)"$$/\1/p' fuzz/Cargo.toml); do \
	echo "== $$target"; \
	if $(CARGO) +nightly fuzz --version >/dev/null 2>&1; then \
	(cd fuzz && $(CARGO) +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS)) || exit 1; \
	else $(CARGO) run --quiet --manifest-path fuzz/Cargo.toml --target-dir target --bin $$target -- \
	-max_total_time=$(FUZZ_SECONDS) || exit 1; fi; done

deny:
	scripts/deny

bench:
	$(CARGO) bench --locked

setup:
	scripts/setup

dist:
	scripts/dist
