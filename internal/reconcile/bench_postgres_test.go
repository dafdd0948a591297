//go:build postgres

package reconcile

import (
	"log/slog"
	"testing"

	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
)

// BenchmarkReconcilePostgres is BenchmarkReconcile over PostgreSQL.
func BenchmarkReconcilePostgres(b *testing.B) {
	if b.N == 1 {
		return // the try run
	}
	cluster := pgtest.Start(b, pgtest.Options{})
	e, err := postgres.Open(b.Context(), cluster.Database(), postgres.Options{AllowNoFsync: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	fillStore(b, e, b.N)
	before := cluster.CPU()
	benchmark(b, e)
	b.ReportMetric(float64((cluster.CPU()-before).Microseconds())/float64(b.N), "server-us/msg")
}
