# `make` lists the targets. `make test` needs nothing but Go.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help test race lint fuzz bench chaos demo build
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build bin/stsleuth
	CGO_ENABLED=0 go build -trimpath -o bin/stsleuth ./cmd/stsleuth

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

demo: ## the whole product in the browser
	go run ./cmd/stsleuth demo
