# `make` lists the targets. `make test` needs nothing but Go.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
TOOLCHAIN = $(shell sed -n 's/^const toolchain = "\(.*\)"/\1/p' internal/release/main.go)

.PHONY: release release-check vuln new-user image image-check deploy-check help test race lint fuzz bench chaos demo build
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## build bin/stsleuth
	CGO_ENABLED=0 go build -trimpath -o bin/stsleuth ./cmd/stsleuth

image: build ## build the image stsleuth; pulls nothing
	mkdir -p bin/tmp
	docker build -f deploy/Dockerfile -t stsleuth .

image-check: ## lay the image's root out in a folder and run the binary in it (as root; needs no container engine)
	go test -tags image -run TestTheBinaryRunsInAnEmptyRoot ./deploy

deploy-check: ## lint and render the chart, try the alerts (with helm's and Prometheus' own libraries)
	cd deploy/check && go vet ./... && go test ./...

release: ## build the commit's archives, bills of materials and SHA256SUMS into dist/
	GOTOOLCHAIN=$(TOOLCHAIN) go run ./internal/release $(TARGETS)

release-check: ## build the release twice in different surroundings and compare; TARGETS="linux/amd64 …" for fewer
	GOTOOLCHAIN=$(TOOLCHAIN) STSLEUTH_RELEASE=1 TARGETS="$(TARGETS)" go test ./internal/release -run TestReleases -v -count=1 -timeout 60m

vuln: ## look for known vulnerabilities in what is called (asks vuln.go.dev)
	go run $(GOVULNCHECK) ./...

test: ## run all tests
	go test ./...

race: ## run all tests with the race detector
	go test -race -shuffle=on ./...

lint: ## gofmt, go vet, staticcheck, go.mod is tidy
	@test -z "$$(gofmt -l .)" || { echo "gofmt these:"; gofmt -l .; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff

FUZZTIME ?= 5s
fuzz: ## run every fuzz target for FUZZTIME (5s)
	@set -e; for pkg in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

bench: ## run every benchmark and print one table
	go run ./internal/bench

chaos: ## two minutes in which everything breaks; CHAOS=10m for longer
	STSLEUTH_CHAOS=$(or $(CHAOS),2m) go test ./chaos -run TestChaos -v -count=1 -timeout 20m

new-user: ## a new user's first minutes in a fresh clone, timed (as many minutes)
	STSLEUTH_NEW_USER=1 go test -run TestANewUsersFirstMinutes -v -count=1 -timeout 30m .

demo: ## the whole product in the browser
	go run ./cmd/stsleuth demo
