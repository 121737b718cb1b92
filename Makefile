# One word a need; `make` alone prints them.

SHELL        := /usr/bin/env bash
.SHELLFLAGS  := -euo pipefail -c
.DEFAULT_GOAL := help

PROGRAMS := unbindd unbindctl unbind-desk readersim
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 10s
SEEDS    ?= 5
IMAGES   ?= 5000000
HISTORIES ?= 5000000
RANDOMS  ?= 32
TAMPERS  ?= 20000
WHOLE    ?= 500
ONLY     ?=
RUNS     ?= 500
TERMINALS ?= 10000
CASES    ?= 1000000
HANDS    ?= 4
SEED_FROM ?= 1
BOOK     ?= network-out.txt

.PHONY: help build test check demo bench bench-quick bench-reader bench-wipe bench-ledger bench-desk fleet million test-32 tamper lab crash crash-whole fuzz fuzz-long kill matrix rules lint-layout model handshake handshake-all links network console catchup routes checking raced clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## put the four static, stripped programs into bin/
	@mkdir -p bin
	for p in $(PROGRAMS); do \
	  CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o "bin/$$p" "./cmd/$$p"; \
	done

test: HISTORIES = 200000
test: ## install missing tools, vet, and run every test under the race detector
	scripts/deps.sh
	go vet ./...
	MODEL_HISTORIES='$(HISTORIES)' go test -race -vet=off -p 3 -count=1 -timeout 18m ./cmd/unbindd ./agent ./cmd/unbind-desk ./scripts/crash ./... # the longest begin; a third package computes while two wait

check: lint-layout ## the quick look before a commit: format, vet, layout, shell syntax
	@unformatted="$$(gofmt -l $$(git ls-files '*.go'))"; \
	  if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	for s in $$(git ls-files 'scripts/*.sh' '.ci/run'); do bash -n "$$s"; done

demo: ## install missing tools, build, run one whole unbinding; results in demo-out/
	scripts/deps.sh
	$(MAKE) --no-print-directory build
	scripts/demo.sh

bench: ## take every figure anew, in under 10 minutes, and write docs/BENCHMARKS.md
	scripts/deps.sh
	go run ./scripts/bench

bench-quick: ## the same without the large ledger, written to bench-out/BENCHMARKS.md
	scripts/deps.sh
	go run ./scripts/bench -quick

bench-reader: ## take the figures of the reader's line, and write docs/BENCHMARKS-READER.md
	scripts/deps.sh
	go run ./scripts/bench -reader

bench-wipe: ## time the erase beside dd and shred, as root, and write docs/BENCHMARKS-WIPE.md
	scripts/deps.sh
	go run ./scripts/bench -wipe

bench-ledger: ## open, read and append to a ledger while it grows to 5,000,000 records, and write docs/BENCHMARKS-LEDGER.md
	go run ./scripts/bench -ledger

bench-desk: ## time a certificate's whole path at the desk beside raw bbolt, and write its part of docs/BENCHMARKS-DESK.md
	go run ./scripts/bench -desk

fleet: ## let TERMINALS (10000) at one desk, kill it once, audit it, and write its part of docs/BENCHMARKS-DESK.md
	go run ./scripts/bench -fleet -terminals '$(TERMINALS)'

million: ## fill a desk with CASES (1000000) cases, time what an operator asks of it, and write its part of docs/BENCHMARKS-DESK.md
	MILLION='$(CASES)' MILLION_PAGE='$(CURDIR)/docs/BENCHMARKS-DESK.md' go test -count=1 -v -timeout 60m -run 'TestMillion$$' ./cmd/unbind-desk

test-32: ## run the ledger's tests as a 32-bit program
	GOARCH=386 CGO_ENABLED=0 go test -count=1 -skip 'NothingGrows|TenThousand|Killed|Model|Tampered|Fuzz' ./agent/ledger

tamper: ## change a ledger in TAMPERS (20000) ways, each of which must be noticed by name
	TAMPERS='$(TAMPERS)' go test -count=1 -v -timeout 60m -run 'TestTampered' ./agent/ledger

lab: ## erase by rm, shred, srm, wipe and ours on every file system, search the raw media, as root, and write docs/LAB.md
	scripts/deps.sh lab
	LAB_PAGE='$(CURDIR)/docs/LAB.md' go test -count=1 -timeout 60m -v ./scripts/lab

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@grep -rn --include='*_test.go' --exclude-dir=fuzz-out '^func Fuzz' . \
	  | sed -E 's#^\./(.*)/[^/]+_test\.go:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*#\1 \2#' \
	  | sort -u \
	  | while read -r dir target; do \
	      echo "== $$dir $$target"; \
	      go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' -fuzzminimizetime 10x "./$$dir"; \
	    done

fuzz-long: FUZZTIME := 10m
fuzz-long: ## give every fuzz target FUZZTIME (10m) at a commit, go on where the last run ended, and write docs/FUZZING.md
	go run ./scripts/fuzz -time '$(FUZZTIME)' -only '$(ONLY)'

crash: ## cut the power at every operation of every store and of a whole unbinding: IMAGES (5000000) of the ledger, RANDOMS (32) choices by lot a point, WHOLE (500, or all) carried to the end
	scripts/deps.sh
	CRASH_IMAGES='$(IMAGES)' CRASH_RANDOMS='$(RANDOMS)' CRASH_WHOLE='$(WHOLE)' CRASH_WHOLE_IN=1 CRASH_ERRNOS=4 go test -count=1 -v -timeout 24h ./scripts/crash \
	  | sed -unE 's/^ +[a-z]+_test\.go:[0-9]+: (.*(images|faults).*)$$/\1/p; /(FAIL|^ok)/p; /after the/p; /repeat:/p'
	go test -count=1 -v -timeout 1h -run '^TestEveryCall' ./wipe | sed -unE 's/^ +[a-z_]+_test\.go:[0-9]+: (.*faults.*)$$/\1/p; /(FAIL|^ok)/p'

crash-whole: RANDOMS = 4
crash-whole: BOOK = crash-whole-out
crash-whole: ## carry every image of a whole unbinding, RANDOMS (4) choices by lot a point, to its end; BOOK (crash-whole-out) remembers what became of each, so that it can be stopped and gone on with
	CRASH_BOOK='$(abspath $(BOOK))' CRASH_RANDOMS='$(RANDOMS)' CRASH_HANDS='$(HANDS)' go test -count=1 -v -timeout 48h -run 'TestWholeUnbinding$$/^(record|carried)$$' ./scripts/crash \
	  | sed -unE 's/^ +[a-z_]+_test\.go:[0-9]+: (.*)$$/\1/p; /(FAIL|^ok)/p; /after the/p; /repeat:/p'

model: ## live HISTORIES (5000000) histories of the whole unbinding in memory, with every cut and fault
	MODEL_HISTORIES='$(HISTORIES)' go test -count=1 -v -timeout 24h -run '^TestModel' ./agent | sed -unE '/^model: /p; /FAIL|^ok|--- PASS|never happened|history [0-9]+:/p'

kill: ## kill at every moment of every step, every daemon with the race detector
	KILL_ALL=1 go test -race -count=1 -timeout 60m -run 'Kill|PowerCut' ./...

handshake: ## go through the states of the hand-shake between terminal and desk, in every search that ends soon; see every planted mistake found, and what brief and lean searches lose
	HANDSHAKE=full go test -count=1 -v -timeout 4h -run '^TestModelOfTheHandshake' ./agent | sed -unE '/^model: /p; /FAIL|^ok|--- PASS|after [0-9]+ states|are stuck|no end can/p'

handshake-all: ## the same, and the searches of which nobody has seen the end
	HANDSHAKE=all go test -count=1 -v -timeout 72h -run '^TestModelOfTheHandshake' ./agent | sed -unE '/^model: /p; /FAIL|^ok|--- PASS|after [0-9]+ states|are stuck|no end can/p'

matrix: ## run every fault of reader and line, and every power cut, through the whole unbinding; line faults with SEEDS (5) seeds each
	MATRIX_SEEDS='$(SEEDS)' go test -race -count=1 -timeout 60m -run 'TestMatrix|TestEveryFaultHasARow' ./cmd/unbindd

links: ## carry a whole unbinding over HTTPS, Mosquitto and a NATS server with the same program
	scripts/deps.sh
	go test -race -count=1 -v -run 'TestOneBinaryOverEveryLink' ./cmd/unbindd

network: ## carry RUNS (500) unbindings from SEED_FROM (1) on through a network that loses, doubles, bends, refuses and lies; BOOK (network-out) remembers which passed
	NETWORK_RUNS='$(RUNS)' NETWORK_FROM='$(SEED_FROM)' NETWORK_BOOK='$(abspath $(BOOK))' go test -count=1 -timeout 120m -v -run 'TestNetwork$$' ./cmd/unbindd \
	  | grep -E 'network: |^(ok|FAIL)|--- FAIL'

console: ## walk the desk's console in Chromium, in both languages, wide and narrow; screenshots in console-out/
	scripts/deps.sh
	rm -rf console-out
	CONSOLE_OUT='$(CURDIR)/console-out' go test -count=1 -v -timeout 20m -run '^TestConsoleInABrowser$$' ./cmd/unbind-desk

catchup: ## let a terminal that is 39 versions of trust behind obey one command, over HTTPS and from a courier's file
	CATCHUP=1 go test -count=1 -timeout 20m -v -run 'TestATerminalMonthsBehindCatchesUp' ./cmd/unbindd

routes: ## send a gigabyte to the desk and open ten thousand connections to it, and print what it held and refused
	ROUTES_HEAVY=1 go test -count=1 -timeout 30m -v -run 'TestAGigabyteIsNotRead|TestTenThousandConnections|TestEveryRouteRefuses' ./cmd/unbind-desk \
	  | grep -E 'routes: |^(ok|FAIL)|--- (PASS|FAIL)'

checking: ## follow docs/CHECKING.md with stock tools over a case, and over twenty that were tampered with
	scripts/deps.sh
	CHECKING=1 go test -count=1 -timeout 30m -v -run 'TestTheCommandsOfThePage|TestJunkUnderALaterKey|TestEveryFileOfACaseIsMissed|TestCheckCase' ./cmd/unbind-desk

raced: ## run with the race detector what make test runs without it: what only computes, of model, ledger and crash lab
	MODEL_RACE=1 LEDGER_RACE=1 CRASH_RACE=1 go test -race -count=1 -timeout 60m ./agent ./agent/ledger ./scripts/crash

rules: ## take every rule of docs/RULES.md out once and see its test fail
	scripts/rules/run.sh

lint-layout: ## check the house: who may import whom, names, comments, sizes
	go test -count=1 ./scripts

clean: ## remove what the other targets made
	rm -rf bin demo-out bench-out fuzz-out console-out ci-out network-out.txt crash-whole-out
