//go:build harness

package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heliograph/internal/store"
)

// verifyPublished: every event is at every destination that asks for it, and
// nothing else is.
func (w *world) verifyPublished(of map[int]*kept, events []store.Event) {
	w.t.Helper()
	ids := w.messageIDs()
	known := map[string]bool{}
	want := map[string][]string{} // by set and destination
	for _, v := range events {
		if v.ConfigurationSet == "" || v.Aside() {
			continue
		}
		key := eventKey(ids.Format(v.Message), v.Status.EventType(), v.At.UnixMilli(), v.Final)
		known[key] = true
		for name, types := range sets[v.ConfigurationSet] {
			if types[0] == "ALL" || slices.Contains(types, v.Status.EventType()) {
				at := filepath.Join(v.ConfigurationSet, name)
				want[at] = append(want[at], key)
			}
		}
	}
	wrong := 0
	for set, destinations := range sets {
		for name := range destinations {
			at := filepath.Join(set, name)
			got := w.readPublished(at)
			for _, key := range want[at] {
				if got[key] == 0 {
					w.complain(&wrong, "the event %s is not at %s", key, at)
				}
			}
			for key := range got {
				if !known[key] {
					w.complain(&wrong, "%s has the event %s, which is not in the log", at, key)
				}
			}
		}
	}
}

func eventKey(message, kind string, at int64, final bool) string {
	return fmt.Sprintf("%s %s %s %t", message, kind, time.UnixMilli(at).UTC().Format(time.RFC3339Nano), final)
}

// published is an event as destinations get it, as far as it is looked at.
type published struct {
	Type    string `json:"eventType"`
	Message string `json:"messageId"`
	At      int64  `json:"eventTimestamp"`
	Final   bool   `json:"isFinal"`
}

func (p *published) key() string { return eventKey(p.Message, p.Type, p.At, p.Final) }

// readPublished counts the lines of an event destination.
func (w *world) readPublished(at string) map[string]int {
	w.t.Helper()
	var files []string
	for _, n := range w.nodes {
		found, err := filepath.Glob(n.data("events", account, at+"*.jsonl"))
		if err != nil {
			w.t.Fatal(err)
		}
		files = append(files, found...)
	}
	got := map[string]int{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var v published
			if err := json.Unmarshal([]byte(line), &v); err != nil || !strings.HasSuffix(line, "\n") {
				w.t.Errorf("%s has the line %q: %v", name, line, err)
				continue
			}
			got[v.key()]++
			w.figures.published++
		}
	}
	return got
}
