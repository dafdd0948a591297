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

// metrics are the names that the code has, found as what they are there: string
// literals of their own.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	whole := regexp.MustCompile(`^heliograph_[a-z0-9_]+$`)
	names := map[string]bool{}
	err := filepath.WalkDir("../../internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil && whole.MatchString(text) {
					names[text] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 40 {
		t.Fatalf("only %d metrics were found", len(names))
	}
	return names
}

// known reports whether a name in an expression is a metric or a series of one.
func known(names map[string]bool, name string) bool {
	if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
		return slices.Contains([]string{"go_goroutines", "go_memstats_heap_inuse_bytes", "go_gc_duration_seconds_sum",
			"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}, name)
	}
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && names[base] {
			return true
		}
	}
	return false
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkNames(t *testing.T, names map[string]bool, where, expression string) {
	t.Helper()
	for _, name := range metricName.FindAllString(expression, -1) {
		if !known(names, name) {
			t.Errorf("%s: there is no metric %s", where, name)
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
			checkNames(t, names, "panel "+p.Title, target.Expr)
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					if base, ok := strings.CutSuffix(name, suffix); ok && names[base] {
						name = base
					}
				}
				shown[name] = true
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
			checkNames(t, names, r.Alert, r.Expr)
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

// Operators find every metric in the handbook, and nothing there that is not.
func TestMetricsAreDocumented(t *testing.T) {
	names := metrics(t)
	text := read(t, "../../docs/operating.md")
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/operating.md does not describe %s", name)
		}
	}
	checkNames(t, names, "docs/operating.md", text)
}
