package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/app"
	"heliograph/internal/audit"
)

// audit verify prints each place that is not what was written, and fails.
func TestAuditVerify(t *testing.T) {
	data := t.TempDir()
	directory := app.AuditDirectory(data)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	log, err := audit.Open(audit.Options{Directory: directory, FileBytes: 1 << 20, Keep: time.Hour, Account: "111122223333", Region: "us-east-1", Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"One", "Two", "Three", "Four", "Five", "Six"} {
		if err := log.Record(&audit.Call{Account: "111122223333", At: noon, Source: audit.SourceService, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if out := succeed(t, "audit", "verify", "--data-dir", data); !strings.Contains(out, "the audit log is whole") || !strings.Contains(out, ": 6, number 1 to 6, in files: 1\n") {
		t.Error(out)
	}
	files, err := filepath.Glob(filepath.Join(directory, "audit-*.jsonl"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(`"One"`, `"Eno"`, `"Four"`, `"Ruof"`).Replace(string(text))
	if err := os.WriteFile(files[0], []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, problems, code := command(t, "", "audit", "verify", "--data-dir", data)
	if code != 1 || strings.Contains(out, "whole") || !strings.Contains(problems, "places: 2\n") || !strings.Contains(problems, ", line 2: ") || !strings.Contains(problems, ", line 5: ") {
		t.Errorf("exit %d: %s%s", code, out, problems)
	}
	if _, _, code := command(t, "", "audit", "verify", "--data-dir", t.TempDir()); code != 2 {
		t.Errorf("a log that is not there: exit %d", code)
	}
}
