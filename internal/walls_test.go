// Package internal holds the walls between the packages of the service.
package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "heliograph/"

// pure packages decide and have no effects: what is around the process is out of
// their reach.
var effects = []string{"os", "net", "net/http", "io/fs", "database/sql", "log", "log/slog", "os/exec", "syscall"}

// wall says what a package may import of the module and from outside. An entry
// that ends in /... stands for all packages below it.
type wall struct {
	pkg      string
	may      []string // below internal/
	external []string // prefixes of import paths
	pure     bool
}

// pureRules and contracts are what flows may stand on.
var (
	pureRules = []string{"sms", "iam", "numbering", "encode", "origin", "throttle", "event", "protect", "keyword"}
	contracts = []string{"store", "carrier", "resources", "usage", "optout"}
	below     = slices.Concat(pureRules, contracts)
)

const (
	prometheus = "github.com/prometheus/client_golang/"
	awsSDK     = "github.com/aws/"
)

// walls are listed from the ground up: imports run upwards only. Flows meet
// through the store, not through each other, and adapters know their contract
// alone.
var walls = []wall{
	{pkg: "internal/sms", pure: true},
	{pkg: "internal/iam", pure: true},

	// Rules.
	{pkg: "internal/encode", pure: true},
	{pkg: "internal/throttle", pure: true},
	{pkg: "internal/numbering", may: []string{"sms"}, pure: true},
	{pkg: "internal/numbering/gen", external: []string{"github.com/nyaruka/phonenumbers", "google.golang.org/protobuf"}},
	{pkg: "internal/event", may: []string{"sms"}, pure: true},
	{pkg: "internal/keyword", may: []string{"sms"}, pure: true},
	{pkg: "internal/origin", may: []string{"sms", "numbering"}, pure: true},
	{pkg: "internal/verification", may: []string{"sms"}, pure: true},
	{pkg: "internal/protect", may: []string{"sms"}, pure: true},

	// Contracts, and the state that flows and edges share.
	{pkg: "internal/store", may: pureRules},
	{pkg: "internal/carrier", may: pureRules},
	{pkg: "internal/resources", may: []string{"sms", "iam", "numbering", "store"}},
	{pkg: "internal/usage", may: []string{"sms", "store"}},
	{pkg: "internal/optout", may: []string{"sms", "store"}},
	{pkg: "internal/usage/cloudwatch", may: []string{"usage"}, external: []string{awsSDK}},
	{pkg: "internal/inventory", may: []string{"sms", "numbering", "resources"}},
	{pkg: "internal/inventory/gen", may: []string{"sms", "numbering"}, external: []string{"github.com/nyaruka/phonenumbers"}},

	// Traces, which flows and edges tell of what they do.
	{pkg: "internal/trace", may: []string{"sms", "store"},
		external: []string{prometheus, "go.opentelemetry.io/proto/slim/otlp/", "google.golang.org/protobuf/proto"}},

	{pkg: "internal/audit", may: []string{"iam", "store"}, external: []string{prometheus}},
	{pkg: "internal/datadir"},
	{pkg: "internal/egress"},
	{pkg: "internal/certificate"},
	{pkg: "internal/seal", may: []string{"datadir", "store", "resources"}, external: []string{awsSDK}},

	// Engines of the store.
	{pkg: "internal/store/record", may: []string{"sms", "store"}},
	{pkg: "internal/store/storetest", may: []string{"sms", "store"}, external: []string{"github.com/google/go-cmp/", "pgregory.net/rapid"}},
	{pkg: "internal/store/pgtest", external: []string{"github.com/jackc/pgx/v5"}},
	{pkg: "internal/store/plan", may: []string{"sms", "store"}, pure: true},
	{pkg: "internal/store/transfer"},
	{pkg: "internal/store/postgres", may: []string{"sms", "store", "store/record", "store/plan", "store/transfer"},
		external: []string{"github.com/jackc/pgx/v5", "github.com/pressly/goose/"}},
	{pkg: "internal/store/sqlite", may: []string{"sms", "store", "store/record", "store/plan", "store/transfer"},
		external: []string{"modernc.org/", "github.com/pressly/goose/"}},
	{pkg: "internal/migrate", may: []string{"datadir", "store/transfer", "store/postgres", "store/sqlite"}},

	// SMPP, usable by itself, and carriers.
	{pkg: "internal/smpp/pdu"},
	{pkg: "internal/smpp/receipt", may: []string{"smpp/pdu"}},
	{pkg: "internal/smpp", may: []string{"smpp/pdu"}},
	{pkg: "internal/carrier/carriertest", may: slices.Concat(pureRules, []string{"carrier"})},
	{pkg: "internal/carrier/sim", may: slices.Concat(pureRules, []string{"carrier"})},
	{pkg: "internal/carrier/smpp", may: slices.Concat(pureRules, []string{"carrier", "smpp", "smpp/pdu", "smpp/receipt"}), external: []string{"golang.org/x/text/"}},

	// Flows.
	{pkg: "internal/accept", may: slices.Concat(below, []string{"trace"})},
	{pkg: "internal/queue", may: below, external: []string{prometheus}},
	{pkg: "internal/receipt", may: below, external: []string{prometheus}},
	{pkg: "internal/inbound", may: below, external: []string{prometheus}},
	{pkg: "internal/nodes", may: below, external: []string{prometheus, "golang.org/x/sys/unix"}},
	{pkg: "internal/retention", may: []string{"sms", "store"}, external: []string{prometheus}},
	{pkg: "internal/destination", may: below},
	{pkg: "internal/reconcile", may: []string{"sms", "store"}},
	{pkg: "internal/feedback", may: []string{"sms", "store"}, external: []string{prometheus}},
	{pkg: "internal/deactivation", may: below},

	// Publishers of events.
	{pkg: "internal/destination/local", may: []string{"destination", "store"}},
	{pkg: "internal/destination/sns", may: []string{"destination"}, external: []string{awsSDK}},
	{pkg: "internal/destination/connect", may: []string{"destination"}, external: []string{awsSDK}},
	{pkg: "internal/destination/firehose", may: []string{"destination"}, external: []string{awsSDK}},
	{pkg: "internal/destination/cloudwatchlogs", may: []string{"destination"}, external: []string{awsSDK}},
	{pkg: "internal/destination/endpoint", may: []string{"sms", "destination", "destination/..."}, external: []string{awsSDK}},
	{pkg: "internal/trace/publication", may: []string{"sms", "destination", "trace"}},

	// Edges.
	{pkg: "internal/api/wire"},
	{pkg: "internal/api/wire/gen"},
	{pkg: "internal/api/sigv4", may: []string{"iam"}},
	{pkg: "internal/identity/password", external: []string{"golang.org/x/crypto/argon2"}},
	{pkg: "internal/identity/totp"},
	{pkg: "internal/identity", may: []string{"sms", "iam", "throttle", "store", "resources", "api/sigv4", "identity/totp"}},
	{pkg: "internal/api/service", may: []string{"sms", "iam", "store", "resources"}},
	{pkg: "internal/api", may: slices.Concat(below, []string{"inventory", "trace", "verification", "accept", "api/wire", "api/sigv4", "api/service", "audit", "identity"})},
	{pkg: "internal/embedded/cloudwatchlogs/pattern"},
	{pkg: "internal/embedded/cloudwatchlogs", may: []string{"sms", "throttle", "store", "resources", "destination", "api/service", "embedded/cloudwatchlogs/pattern"}},
	{pkg: "internal/embedded/firehose", may: []string{"sms", "iam", "resources", "destination", "api/service"}, external: []string{awsSDK, prometheus, "github.com/google/uuid"}},
	{pkg: "internal/embedded/sns/filter"},
	{pkg: "internal/embedded/sns", may: []string{"sms", "iam", "numbering", "throttle", "store", "resources", "destination", "egress", "api/service", "embedded/sns/filter"},
		external: []string{prometheus}},
	{pkg: "internal/embedded/iam", may: []string{"sms", "iam", "throttle", "identity/password", "identity/totp", "store", "resources", "api/service"}},
	{pkg: "internal/audit/trail", may: []string{"audit"}, external: []string{awsSDK, prometheus}},
	{pkg: "internal/embedded/cloudtrail", may: []string{"store", "api/service", "audit", "audit/trail"}},
	{pkg: "internal/embedded/sts", may: []string{"iam", "throttle", "resources", "api/service", "identity"}, external: []string{"github.com/coreos/go-oidc/v3/oidc"}},
	{pkg: "internal/embedded/signin", may: []string{"iam", "throttle", "resources", "api/service", "identity", "identity/password"}},
	{pkg: "internal/embedded/s3", may: []string{"api/service", "deactivation"}},
	{pkg: "internal/credentials", may: []string{"datadir", "iam", "api/sigv4"}},
	{pkg: "internal/admin", may: slices.Concat(below, []string{"inventory", "queue", "reconcile", "nodes", "deactivation", "feedback", "api", "api/service", "identity", "embedded/iam", "embedded/sns", "carrier/sim"})},

	// The whole, and the command.
	{pkg: "internal/config", may: slices.Concat(below, []string{"inbound", "inventory", "trace", "api", "admin", "seal", "carrier/sim", "carrier/smpp"}), external: []string{"gopkg.in/yaml.v3"}},
	{pkg: "internal/app", may: []string{"..."}, external: []string{prometheus, awsSDK}},
	{pkg: "cmd/heliograph", may: []string{"app", "iam", "config", "credentials", "admin", "deactivation", "reconcile", "encode", "sms", "usage", "destination/local", "migrate", "audit"},
		external: []string{"github.com/alecthomas/kong", awsSDK}},
	{pkg: "test/...", may: []string{"...", "test/..."}, external: []string{""}},
}

func TestWalls(t *testing.T) {
	imports := readImports(t, "..")
	if len(imports) < 20 {
		t.Fatalf("only %d packages were found", len(imports))
	}
	for pkg, paths := range imports {
		i := slices.IndexFunc(walls, func(w wall) bool { return covers(w.pkg, pkg) })
		if i < 0 {
			t.Errorf("%s is not in the list: say here what it may import", pkg)
			continue
		}
		for _, path := range paths {
			if problem := walls[i].check(path); problem != "" {
				t.Errorf("%s imports %s: %s", pkg, path, problem)
			}
		}
	}
	for _, w := range walls {
		if _, found := imports[w.pkg]; !found && !strings.HasSuffix(w.pkg, "...") {
			t.Errorf("%s is in the list, but there is no such package", w.pkg)
		}
	}
}

// The list itself must run one way: a package may import only what stands before
// it.
func TestWallsRunOneWay(t *testing.T) {
	for i, w := range walls {
		for _, m := range w.may {
			if m == "..." || strings.HasSuffix(m, "/...") {
				continue
			}
			at := slices.IndexFunc(walls, func(other wall) bool { return other.pkg == "internal/"+m })
			if at < 0 {
				t.Errorf("%s may import %s, which is not in the list", w.pkg, m)
			} else if at > i && !sameFloor(w.pkg, m) {
				t.Errorf("%s may import %s, which stands after it", w.pkg, m)
			}
		}
	}
}

// sameFloor excuses rules and contracts: they are allowed as a whole, and what
// Go's compiler refuses as a cycle needs no wall.
func sameFloor(pkg, imported string) bool {
	name := strings.TrimPrefix(pkg, "internal/")
	return slices.Contains(below, name) && slices.Contains(below, imported)
}

func TestWallsStopWhatTheyShould(t *testing.T) {
	find := func(pkg string) wall {
		return walls[slices.IndexFunc(walls, func(w wall) bool { return covers(w.pkg, pkg) })]
	}
	for _, c := range []struct {
		pkg, path string
		ok        bool
	}{
		{"internal/sms", "time", true},
		{"internal/sms", "os", false},
		{"internal/sms", module + "internal/numbering", false},
		{"internal/queue", module + "internal/accept", false},
		{"internal/queue", module + "internal/carrier/smpp", false},
		{"internal/queue", "github.com/prometheus/client_golang/prometheus", true},
		{"internal/queue", "modernc.org/sqlite", false},
		{"internal/store/sqlite", module + "internal/queue", false},
		{"internal/api", module + "internal/accept", true},
		{"internal/api", module + "internal/store/sqlite", false},
		{"internal/app", module + "internal/store/sqlite", true},
		{"internal/app", module + "cmd/heliograph", false},
		{"internal/app", module + "test/rig", false},
		{"test/load", module + "test/rig", true},
		{"cmd/heliograph", module + "internal/queue", false},
		{"cmd/heliograph", module + "test/rig", false},
		{"test/load", module + "test/rig", true},
	} {
		if problem := find(c.pkg).check(c.path); (problem == "") != c.ok {
			t.Errorf("%s importing %s: %q", c.pkg, c.path, problem)
		}
	}
}

// check says what is wrong with an import, or nothing.
func (w wall) check(path string) string {
	if own, ok := strings.CutPrefix(path, module); ok {
		if strings.HasPrefix(own, "test/") && strings.HasPrefix(w.pkg, "test/") {
			return ""
		}
		name, inside := strings.CutPrefix(own, "internal/")
		if !slices.ContainsFunc(w.may, func(m string) bool { return covers(m, name) && (inside || m != "...") }) {
			return "the wall between them allows it not"
		}
		return ""
	}
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") {
		if !slices.ContainsFunc(w.external, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			return "it is a library that this package does not need"
		}
		return ""
	}
	if w.pure && slices.Contains(effects, path) {
		return "the package decides and has no effects"
	}
	return ""
}

// covers reports whether a pattern of the list stands for a package.
func covers(pattern, pkg string) bool {
	if prefix, all := strings.CutSuffix(pattern, "..."); all {
		return strings.HasPrefix(pkg, prefix)
	}
	return pattern == pkg
}

// readImports gives the imports of every package, tests left out, whatever their
// build constraints.
func readImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || name == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		imports[filepath.ToSlash(pkg)] = append(imports[filepath.ToSlash(pkg)], paths(file)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("this is not the root of the module: %v", err)
	}
	return imports
}

func paths(file *ast.File) []string {
	var out []string
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, path)
		}
	}
	return out
}
