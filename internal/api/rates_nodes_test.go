//go:build postgres

package api_test

import (
	"log/slog"
	"testing"

	"heliograph/internal/api"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
)

// An account's requests to two servers over one PostgreSQL share the burst, and are
// throttled while that is away.
func TestRequestRatesOfNodes(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	database := cluster.Database()
	var urls []string
	for range 2 {
		e, err := postgres.Open(t.Context(), database, postgres.Options{AllowNoFsync: true, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		url, _ := startServer(t, func(o *api.Options) {
			o.SharedRates, o.Rates = e, api.Rates{"DescribePools": 0.01}
		})
		urls = append(urls, url)
	}
	passed := 0
	for i := range 40 {
		switch e := (request{target: prefix + "DescribePools", body: `{}`}).send(t, urls[i%2]).Exception; e {
		case "":
			passed++
		case "ThrottlingException":
		default:
			t.Fatal(e)
		}
	}
	if passed != 25 {
		t.Errorf("%d of 40 passed; the burst is 25", passed)
	}
	if err := pgtest.Exec(t.Context(), database, "DELETE FROM rate"); err != nil {
		t.Fatal(err)
	}
	cluster.Kill()
	for range 5 {
		if got := (request{target: prefix + "DescribePools", body: `{}`}).send(t, urls[0]); got.Exception != "ThrottlingException" {
			t.Errorf("while the database is away: %+v", got)
		}
	}
}
