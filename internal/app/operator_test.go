package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"heliograph/internal/config"
	"heliograph/internal/store"
	"heliograph/test/rig"
)

// storeOf answers LastSeq as it is told to; nothing else is asked of it.
type storeOf struct {
	store.Engine
	err error
}

func (s storeOf) LastSeq(context.Context, int) (int64, error)                     { return 0, s.err }
func (s storeOf) Apply(context.Context, store.Fence, []*store.Change) (err error) { return s.err }

func operated(t *testing.T, storeError error) (address string) {
	t.Helper()
	s := &service{log: slog.New(slog.DiscardHandler), metrics: newMetrics(), engine: storeOf{err: storeError}}
	s.committer = store.NewCommitter(s.engine, store.Fence{}, store.CommitterOptions{})
	t.Cleanup(s.committer.Close)
	var err error
	address, err = rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	s.cfg.Operator = config.Operator{Listen: address}
	stop, err := s.serveOperator()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return address
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestOperatorPort(t *testing.T) {
	address := operated(t, nil)
	for path, want := range map[string]string{
		"/metrics":                      "heliograph_store_commit_seconds_bucket",
		"/healthz":                      "ok",
		"/debug/pprof/":                 "goroutine",
		"/debug/pprof/heap?debug=1":     "heap profile",
		"/debug/pprof/cmdline":          "app.test",
		"/debug/pprof/trace?seconds=.1": "go 1.",
	} {
		if status, text := get(t, "http://"+address+path); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %.200q", path, status, text)
		}
	}
	if status, _ := get(t, "http://"+operated(t, errors.New("away"))+"/healthz"); status != http.StatusServiceUnavailable {
		t.Errorf("healthz answers %d while the database is away", status)
	}
}

func TestOperatorPortIsOffByDefault(t *testing.T) {
	s := &service{}
	stop, err := s.serveOperator()
	if err != nil {
		t.Fatal(err)
	}
	stop()
}
