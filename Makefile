# Everything a contributor types. Programs land in bin/, what tests download
# and build lands in a cache outside the checkout (AISTOR_TEST_CACHE).

VERSION     ?= 0.1.0
BIN         := $(CURDIR)/bin
LDFLAGS     := -s -w -X main.version=$(VERSION)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
# What hangs is ended; what is slow is not: machines are.
HANGS       := -timeout 120m
MODULES     := . test/aistor test/cluster test/kubelet test/e2e test/bench

.PHONY: help build test unit e2e test-long lint fmt generate vulncheck bench-inputs bench-peers bench-transfer bench-cluster pairs demo test-tools clean

help: ## show this
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## both plugins, into bin/
	@mkdir -p $(BIN)
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN)/ ./cmd/...

test-tools: build ## the local cluster, the stand-in AIStor and their charts
	cd test/cluster && go build -o $(BIN)/lab ./cmd/lab
	cd test/aistor && go build -o $(BIN)/aistor-fixtures ./cmd/standin-tools && go build -o $(BIN)/standin ./cmd/standin
	$(BIN)/aistor-fixtures charts --out $(BIN)/charts >/dev/null
	$(BIN)/lab tools >/dev/null

test: lint unit e2e ## everything that CI asks for: at most 30 minutes on a new machine

unit: ## packages by themselves, with the race detector
	go test $(HANGS) -race ./...
	cd test/aistor && go test $(HANGS) ./...
	cd test/kubelet && go test $(HANGS) ./...

e2e: test-tools ## the real binaries on real clusters
	cd test/cluster && go test $(HANGS) ./...
	cd test/e2e && go test $(HANGS) -count=1 -parallel 2 ./...

test-long: test ## what takes longer: many kills, fuzzing, the published charts if AISTOR_CHARTS is set
	cd test/e2e && AISTOR_LONG=1 AISTOR_KILLS=$${AISTOR_KILLS:-50} AISTOR_PAIRS=$${AISTOR_PAIRS:-24} go test -count=1 -parallel 2 -timeout 240m ./...
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	  echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime 60s -fuzzminimizetime 5x $$p || exit 1; done; done
	$(MAKE) dist-twice DIST_PLATFORMS=linux/amd64

lint: ## gofmt, go mod tidy, go vet and staticcheck, all clean
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	@for m in $(MODULES); do (cd $$m && go mod tidy -diff && go vet ./... && go run $(STATICCHECK) ./...) || exit 1; done

fmt: ## gofmt everything
	gofmt -w $$(git ls-files '*.go')

generate: ## write what is made from the code: goldens, the reference, man pages, the page of checks
	go test ./internal/cli -update
	go test ./pkg/preflight -run Documented -update

vulncheck: ## known vulnerabilities in what is built (VULNDB=file:///… in place of https://vuln.go.dev)
	go run $(GOVULNCHECK) $(if $(VULNDB),-db '$(VULNDB)') ./cmd/...

PEERS = $(or $(AISTOR_TEST_CACHE),$(HOME)/.cache/aistor-upgrade)/peers

bench-peers: ## build regsync and imgpkg for bench-transfer; skopeo is taken from PATH
	GOBIN=$(PEERS) CGO_ENABLED=0 go install github.com/regclient/regclient/cmd/regsync@v0.11.7
	cd test/bench/imgpkg && GOBIN=$(PEERS) CGO_ENABLED=0 go install tool

bench-inputs: ## what one setting of a large values file costs, at n and 4n: ns/element is to stay the same
	go test ./internal/planinput ./internal/values -run '^$$' -bench 'Gather|CheckFinal|Explain|Apply' -benchtime 1x

bench-transfer: build ## create, push, copy, verify against other tools (SIZE=450MB ROUNDS=5 BENCH_FLAGS=-slow or -memory=400MB,20GB)
	cd test/cluster && go build -o $(BIN)/lab ./cmd/lab
	cd test/bench && go build -o $(BIN)/bench .
	PATH="$(PEERS):$$($(BIN)/lab tools registry crane helm3):$$PATH" $(BIN)/bench -aistor $(BIN)/helm-aistor -size $(or $(SIZE),450MB) -rounds $(or $(ROUNDS),5) $(BENCH_FLAGS)

bench-cluster: test-tools ## both plugins beside kubectl and helm on 1,000 simulated nodes (BENCH_FLAGS=-rounds=3)
	@mkdir -p $(BIN)/alone
	cd test/cluster/kubebox && go build -ldflags '-s -w' -o $(BIN)/alone/kubectl k8s.io/kubernetes/cmd/kubectl
	cd test/bench && go build -o $(BIN)/bench-cluster ./cluster
	$(BIN)/bench-cluster $(BENCH_FLAGS)

pairs: test-tools ## every published pair of charts, hours; continues where it stopped and writes docs/upgrade-pairs.md
	@test -n '$(AISTOR_CHARTS)' || { echo 'usage: make pairs AISTOR_CHARTS=/path/to/charts'; exit 1; }
	cd test/e2e && AISTOR_PAIRS=$${AISTOR_PAIRS:-all} AISTOR_PAIRS_RESULTS=$(BIN)/pairs.txt AISTOR_PAIRS_TABLE=$(CURDIR)/docs/upgrade-pairs.md \
	  go test -count=1 -v -parallel $(or $(CLUSTERS),2) -timeout 0 -run EveryPublishedPair .

demo: test-tools ## watch an upgrade across an airgap on a local cluster
	test/demo/run

DIST_PLATFORMS ?= linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64
DIST_FLAGS      = --source $(CURDIR) --version $(VERSION) --platforms '$(DIST_PLATFORMS)' \
	$(if $(HELM_KEY),--helm-key '$(abspath $(HELM_KEY))' --helm-key-passphrase-file '$(abspath $(HELM_KEY_PASSPHRASE_FILE))') \
	$(if $(MINISIGN_KEY),--minisign-key '$(abspath $(MINISIGN_KEY))' --minisign-key-password-file '$(abspath $(MINISIGN_KEY_PASSWORD_FILE))')

dist: ## archives for krew and Helm with checksums, into dist/ (DIST_PLATFORMS=linux/amd64 for one)
	rm -rf $(CURDIR)/dist
	go -C tools/dist run . archives $(DIST_FLAGS) --out $(CURDIR)/dist $(if $(BASE_URL),--base-url '$(BASE_URL)')

dist-twice: dist ## are two builds, from two directories with two build caches, the same bytes?
	again=$$(mktemp -d) && trap 'rm -rf $$again' EXIT && git archive HEAD | tar -x -C $$again && \
	GOCACHE=$$again/.cache $(MAKE) -C $$again dist VERSION=$(VERSION) DIST_PLATFORMS='$(DIST_PLATFORMS)' && \
	cmp dist/SHA256SUMS $$again/dist/SHA256SUMS && echo 'the same bytes'

mirror: ## what a site without internet serves to itself: BASE_URL=https://files.example/aistor OUT=dir
	@test -n '$(BASE_URL)' -a -n '$(OUT)' || { echo 'usage: make mirror BASE_URL=https://files.example/aistor OUT=dir'; exit 1; }
	go -C tools/dist run . mirror $(DIST_FLAGS) --base-url '$(BASE_URL)' --out '$(abspath $(OUT))'

MODULES += tools/dist test/install
.PHONY: dist dist-twice mirror unit-dist e2e-install

unit: unit-dist
unit-dist:
	cd tools/dist && go test $(HANGS) ./...

e2e: e2e-install
e2e-install: test-tools
	cd test/install && go test $(HANGS) -count=1 ./...

clean: ## remove bin/ and dist/; the cache stays
	rm -rf $(BIN) $(CURDIR)/dist
