# The commands of the project. `make demo` and `make test` are all a newcomer needs.

SHELL := /bin/sh
CARGO ?= cargo

.PHONY: check test demo bench load kills deny requirements

# Before each commit, under two minutes warm: format, lints, rules, the store on SQLite, one way through
# the protocol. Needs no server and no browser.
check:
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) test --workspace --lib --bins --locked --quiet -- --skip chromium:: --skip servers::
	$(CARGO) test --workspace --test workspace --locked --quiet
	$(CARGO) test --workspace --test contract --locked --quiet -- ::sqlite
	$(CARGO) test --workspace --test all --locked --quiet -- protocol::code::a_sign_in_gives_tokens::sqlite

# Everything, on both storage pairs and in a real browser. Installs from Debian's packages what its
# tests need and is missing, and says so.
test: requirements
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) build --workspace --bins --examples --locked
	$(CARGO) test --workspace --locked

requirements:
	@sh tests/requirements.sh

# The sample city with three applications, on this machine: see README.md.
demo:
	@sh tests/demo.sh

# Figures of docs/benchmarks.md: server on one core, generator on the other, every answer checked.
bench:
	@sh tests/bench.sh

# kill -9 three hundred times a storage pair, and afterwards the books; make test does six. See docs/faults.md.
kills: requirements
	$(CARGO) build --workspace --bins --examples --locked
	GAPURA_KILLS=$${GAPURA_KILLS:-300} $(CARGO) test --workspace --test all --locked -- --nocapture faults::killed

# A morning of 7,000 people at it: `make load` (a quarter of an hour), `make load SCENARIO=3`.
load:
	@sh tests/load.sh $(SCENARIO)

# Advisories, licences and sources of the dependencies; needs cargo-deny.
deny:
	@command -v cargo-deny >/dev/null || { echo "make deny needs cargo-deny: cargo install --locked cargo-deny" >&2; exit 3; }
	$(CARGO) deny --locked check
