//go:build postgres

package migrate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/datadir"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
	"heliograph/internal/store/storetest"
)

// What is sealed is moved as it is, and opened in the other engine by the same keys.
func TestSealedRowsMove(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	url, sealer := cluster.Database(), storetest.NewSealer(t, 1)
	dir := t.TempDir()
	from, err := sqlite.Open(t.Context(), datadir.Database(dir), sqlite.Options{Logger: quiet, Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	join(t, from, "node").fill()
	want := read(t, from, 1)
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ToPostgres(t.Context(), dir, url, testOptions); err != nil {
		t.Fatal(err)
	}
	there, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet, AllowNoFsync: true, Lease: 2 * time.Second, Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if d := cmp.Diff(want, read(t, there, 1)); d != "" {
		t.Errorf("-source +target\n%s", d)
	}
	back := t.TempDir()
	if _, err := FromPostgres(t.Context(), url, back, testOptions); err != nil {
		t.Fatal(err)
	}
	here, err := sqlite.Open(t.Context(), datadir.Database(back), sqlite.Options{Logger: quiet, Sealer: sealer})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if d := cmp.Diff(want, read(t, here, 1)); d != "" {
		t.Errorf("-source +after both\n%s", d)
	}
}
