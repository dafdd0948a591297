# make build, run, test, bench, lint. Only Go is needed; the Go command fetches
# the modules. Tests that hold the service against the AWS CLI, boto3, moto and
# Net::SMPP run where these are installed, and must be there where CI=true.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)

# Packages in which several goroutines share state. The others decide, parse or
# render, and the race detector would find nothing in them.
CONCURRENT = ./cmd/... ./internal/accept/... ./internal/admin/... ./internal/api ./internal/app/... \
	./internal/carrier/... ./internal/destination/... ./internal/queue/... ./internal/receipt/... \
	./internal/resources/... ./internal/smpp/... ./internal/store ./internal/throttle/... ./internal/usage/...

.PHONY: build run test race bench bench-kannel bench-opt-outs bench-policies soak startup deb lint clean

build:
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/heliograph ./cmd/heliograph

run: build
	./bin/heliograph serve

test: race
	tags=$$(bash .ci/tools) && $(GO) test -timeout 12m -tags "$$tags" ./...

# The race detector needs a C compiler.
race:
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ] && command -v $$($(GO) env CC) >/dev/null; then \
		echo "$(GO) test -race"; $(GO) test -race -timeout 10m $(CONCURRENT); \
	elif [ "$$CI" = true ]; then echo "no C compiler: the race detector cannot run" >&2; exit 1; \
	else echo "no C compiler: the tests run without the race detector" >&2; fi

# DATABASE is sqlite, postgres (from Debian's package postgresql) or both.
bench: build
	$(GO) run ./test/load -database $(or $(DATABASE),sqlite)

# Both engines beside Kannel, from Debian's package kannel.
bench-kannel: build
	$(GO) run ./test/load -kannel -database $(or $(DATABASE),both)

# What a send costs over an opt-out list of NUMBERS and over an empty one.
bench-opt-outs: build
	$(GO) run ./test/load -opt-outs -numbers $(or $(NUMBERS),10000000) -database $(or $(DATABASE),sqlite)

# What the decision costs of a send by a user with ten policies, beside root's.
bench-policies: build
	$(GO) run ./test/load -policies -database $(or $(DATABASE),sqlite)

# Half of the peak for LENGTH, with old messages deleted: fails where anything grows.
soak: build
	$(GO) run ./test/load -soak -length $(or $(LENGTH),30m) -database $(or $(DATABASE),sqlite)

# How long a start takes over MESSAGES that wait in LANES lanes, and how much memory.
startup: build
	$(GO) run ./test/load -startup -messages $(or $(MESSAGES),1000000) -lanes $(or $(LANES),100000) -database $(or $(DATABASE),sqlite)

# A package for the Debian that this runs on, in bin/.
deb:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/deb/heliograph ./cmd/heliograph
	sh deploy/deb/build.sh bin/deb/heliograph '$(VERSION)' bin

lint:
	@unformatted=$$(gofmt -l cmd internal test); if [ -n "$$unformatted" ]; then echo "not formatted with gofmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags python,smsc,postgres,harness,strace ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; fi

clean:
	rm -rf bin

# Ends the server in every way that a machine can, hundreds of times over. It needs
# strace. SEED=n repeats a schedule, ROUNDS=n asks for so many kills.
.PHONY: crash crash-postgres
crash: build
	HELIOGRAPH_BINARY=$(CURDIR)/bin/heliograph $(GO) test -count=1 -timeout 60m -tags harness,strace -v ./test/crash -rounds $(or $(ROUNDS),500) $(if $(SEED),-seed $(SEED))

# The same for three nodes over one PostgreSQL (Debian: postgresql).
crash-postgres: build
	HELIOGRAPH_BINARY=$(CURDIR)/bin/heliograph $(GO) test -count=1 -timeout 60m -tags harness,postgres -v -run 'TestCrashPostgres|TestThreeNodes|TestDatabaseAway' ./test/crash -rounds $(or $(ROUNDS),200) $(if $(SEED),-seed $(SEED))
