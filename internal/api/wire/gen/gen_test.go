package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func fixture(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/model.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestGenerate holds what is generated from a small model against the files
// that were read when they were added.
func TestGenerate(t *testing.T) {
	files, err := generate([]byte(fixture(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 6 {
		t.Errorf("%d files", len(files))
	}
	for name, got := range files {
		golden := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s differs from %s:\n%s", name, golden, got)
		}
	}
}

// TestGenerateRefuses shows that nothing of a model is passed over in silence.
func TestGenerateRefuses(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"type":             {`{"type": "timestamp"}`, `{"type": "double"}`, "type double is not known"},
		"list":             {`"member": {"shape": "Weight"}`, `"member": {"shape": "Timestamp"}`, "lists of timestamp are not known"},
		"map":              {`"value": {"shape": "Note"}`, `"value": {"shape": "Weight"}`, "maps of string to long are not known"},
		"shape":            {`"Id": {"shape": "String"}`, `"Id": {"shape": "Strong"}`, "shape Strong is named and not there"},
		"input":            {`"input": {"shape": "ListParcelsRequest"}`, `"input": {"shape": "String"}`, "operation ListParcels"},
		"lookaround":       {`(?!\\s*$)[\\s\\S]+`, `(?=a)[\\s\\S]+`, "has to be matched by hand"},
		"class in regexp":  {`[a-z]+(-[a-z]+)?`, `\\S+(-[a-z]+)?`, "has to be matched by hand"},
		"dot in regexp":    {`[a-z]+(-[a-z]+)?`, `(.+)?`, "has to be matched by hand"},
		"constants":        {`"by-hand"`, `"By-Sms"`, "are both called SpeedBySMS"},
		"not JSON":         {`{`, `[`, "invalid character"},
		"time of an input": {`"required": ["To",`, `"required": ["NotBefore",`, "a required timestamp of an input is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			model := fixture(t)
			if !strings.Contains(model, c.old) {
				t.Fatal("the fixture has changed")
			}
			_, err := generate([]byte(strings.Replace(model, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := run("testdata/model.json", dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*_gen.go"))
	if err != nil || len(files) != 6 {
		t.Errorf("wrote %v, %v", files, err)
	}
	if err := run("", dir); err == nil || !strings.Contains(err.Error(), "-model") {
		t.Errorf("without a model: %v", err)
	}
	if err := run("testdata/none.json", dir); err == nil {
		t.Error("a model that is not there was read")
	}
}
