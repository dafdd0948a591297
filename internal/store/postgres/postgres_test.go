package postgres

import (
	"sync"
	"testing"

	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/storetest"
)

// open opens an engine on a server that does not wait for its disk.
func open(t testing.TB, url string, o Options) *Engine {
	t.Helper()
	o.AllowNoFsync = true
	e, err := Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// databases gives each directory of the suite a database.
type databases struct {
	mu   sync.Mutex
	urls map[string]string
}

func (d *databases) url(dir string, make func() string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.urls[dir] == "" {
		d.urls[dir] = make()
	}
	return d.urls[dir]
}

func TestContract(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	byDir := &databases{urls: map[string]string{}}
	storetest.Run(t, func(t *testing.T, dir string) store.Engine {
		return open(t, byDir.url(dir, cluster.Database), Options{})
	})
}
