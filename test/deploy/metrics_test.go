package deploy

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var metricName = regexp.MustCompile(`\b(heliograph_[a-z0-9_]+|go_[a-z0-9_]+|process_[a-z0-9_]+)\b`)

// metric is what the code says of one.
type metric struct {
	labels []string // sorted
}

// metrics are those that the code has, by name: the literal that begins a call, or
// that is the Name of the options that begin it, with the labels that follow.
func metrics(t *testing.T) map[string]metric {
	t.Helper()
	found, named := map[string]metric{}, map[string]string{}
	err := filepath.WalkDir("../../internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := wholeName(n); ok {
				named[name] = path
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if name, rest, ok := declared(call); ok {
				if _, twice := found[name]; twice {
					t.Errorf("%s: %s is declared twice", path, name)
				}
				found[name] = metric{labels: labels(rest)}
				checkKind(t, name, call.Fun)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range named {
		if _, ok := found[name]; !ok {
			t.Errorf("%s names the metric %s where its labels cannot be read", path, name)
		}
	}
	if len(found) < 40 {
		t.Fatalf("only %d metrics were found", len(found))
	}
	return found
}

var wholeMetric = regexp.MustCompile(`^heliograph_[a-z0-9_]+$`)

// wholeName is a metric's name that is a literal of its own.
func wholeName(n ast.Node) (string, bool) {
	literal, ok := n.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil && wholeMetric.MatchString(text)
}

// declared is the metric that a call makes: f(name, help, labels...) or
// f(Opts{Name: name}, []string{labels...}).
func declared(call *ast.CallExpr) (name string, rest []ast.Expr, ok bool) {
	if name, ok = wholeName(call.Args[0]); ok && len(call.Args) > 1 {
		return name, call.Args[2:], true
	}
	options, ok := call.Args[0].(*ast.CompositeLit)
	if !ok {
		return "", nil, false
	}
	for _, element := range options.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if name, ok := wholeName(pair.Value); ok {
				return name, call.Args[1:], true
			}
		}
	}
	return "", nil, false
}

func labels(expressions []ast.Expr) (out []string) {
	for _, e := range expressions {
		ast.Inspect(e, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					out = append(out, text)
				}
			}
			return true
		})
	}
	slices.Sort(out)
	return out
}

// checkKind: counters, and they alone, have names that end in _total.
func checkKind(t *testing.T, name string, function ast.Expr) {
	t.Helper()
	made := ""
	switch f := function.(type) {
	case *ast.Ident:
		made = f.Name
	case *ast.SelectorExpr:
		made = f.Sel.Name
	}
	made = strings.ToLower(made)
	total := strings.HasSuffix(name, "_total")
	if strings.Contains(made, "counter") && !total || (strings.Contains(made, "gauge") || strings.Contains(made, "histogram")) && total {
		t.Errorf("%s is made by %s", name, made)
	}
}

// base is the metric that a series belongs to.
func base(names map[string]metric, series string) (string, bool) {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok {
			if _, there := names[name]; there {
				return name, true
			}
		}
	}
	return "", false
}

// known reports whether a name in an expression is a metric or a series of one.
func known(names map[string]metric, name string) bool {
	if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
		return slices.Contains([]string{"go_goroutines", "go_memstats_heap_inuse_bytes", "go_gc_duration_seconds_sum",
			"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}, name)
	}
	_, ok := base(names, name)
	return ok
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkNames(t *testing.T, names map[string]metric, where, text string) {
	t.Helper()
	for _, name := range metricName.FindAllString(text, -1) {
		if !known(names, name) {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
}

var (
	selection = regexp.MustCompile(`(heliograph_[a-z0-9_]+)\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping  = regexp.MustCompile(`\b(?:by|on|without|ignoring)\s*\(([^)]*)\)`)
)

// checkExpression looks at the names in an expression and at its labels: each
// metric has those that it is selected by, and some metric has those that are
// grouped by. Those of the scrape are every metric's.
func checkExpression(t *testing.T, names map[string]metric, where, expression string) {
	t.Helper()
	checkNames(t, names, where, expression)
	all := []string{"job", "instance", "le"}
	for _, name := range metricName.FindAllString(expression, -1) {
		if of, ok := base(names, name); ok {
			all = append(all, names[of].labels...)
		}
	}
	for _, s := range selection.FindAllStringSubmatch(expression, -1) {
		of, ok := base(names, s[1])
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if ok && !slices.Contains(names[of].labels, m[1]) && m[1] != "job" && m[1] != "instance" {
				t.Errorf("%s: %s has no label %s", where, of, m[1])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(expression, -1) {
		for label := range strings.SplitSeq(g[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(all, label) {
				t.Errorf("%s: nothing has the label %s", where, label)
			}
		}
	}
}

func TestDashboard(t *testing.T) {
	names := metrics(t)
	var dashboard struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Title, Type string
			GridPos     struct{ H, W, X, Y int }
			Targets     []struct{ Expr, RefID string }
		}
	}
	text := read(t, "../../deploy/grafana-dashboard.json")
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.Title == "" || dashboard.UID == "" || len(dashboard.Panels) == 0 {
		t.Fatalf("%q %q with %d panels", dashboard.Title, dashboard.UID, len(dashboard.Panels))
	}
	shown, ids, places := map[string]bool{}, map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: its id is taken, or it has no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := places[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panels %q and %q overlap, or are too wide", p.Title, other)
				}
				places[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			checkExpression(t, names, "panel "+p.Title, target.Expr)
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				if of, ok := base(names, name); ok {
					shown[of] = true
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

func TestAlerts(t *testing.T) {
	names := metrics(t)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "../../deploy/alerts.yml")))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || seen[r.Alert] || !metricName.MatchString(r.Expr) && !strings.HasPrefix(r.Expr, "up{") {
				t.Errorf("%q is there twice, or looks at nothing: %s", r.Alert, r.Expr)
			}
			seen[r.Alert] = true
			checkExpression(t, names, r.Alert, r.Expr)
			checkNames(t, names, r.Alert, r.Annotations["description"])
			if s := r.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("%s: severity is %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s: summary and description are needed", r.Alert)
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("%d rules", len(seen))
	}
}

// Operators find every metric in the handbook, with its labels, and nothing there
// that is not.
func TestMetricsAreDocumented(t *testing.T) {
	names := metrics(t)
	text := read(t, "../../docs/operating.md")
	row := regexp.MustCompile("(?m)^\\| ((?:`heliograph_[a-z0-9_]+`(?:, )?)+) \\| ([a-z_, ]*) ?\\| [^|]+ \\|$")
	described := map[string]bool{}
	for _, r := range row.FindAllStringSubmatch(text, -1) {
		var has []string
		for label := range strings.SplitSeq(r[2], ",") {
			if label = strings.TrimSpace(label); label != "" {
				has = append(has, label)
			}
		}
		slices.Sort(has)
		for _, name := range metricName.FindAllString(r[1], -1) {
			if described[name] {
				t.Errorf("docs/operating.md describes %s twice", name)
			}
			described[name] = true
			if m, ok := names[name]; ok && !slices.Equal(m.labels, has) {
				t.Errorf("docs/operating.md gives %s the labels %q; it has %q", name, has, m.labels)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !described[name] {
			t.Errorf("docs/operating.md has no row for %s", name)
		}
	}
	checkNames(t, names, "docs/operating.md", text)
}
