package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The API's port tells its figures to this machine alone, and a proxy on it is not who asks.
func TestMetricsAreLocal(t *testing.T) {
	handler := newMetrics().handler()
	for _, c := range []struct {
		from, header string
		status       int
	}{
		{"127.0.0.1:1", "", http.StatusOK},
		{"[::1]:1", "", http.StatusOK},
		{"[::ffff:127.0.0.1]:1", "", http.StatusOK},
		{"192.0.2.1:1", "", http.StatusForbidden},
		{"nowhere", "", http.StatusForbidden},
		{"127.0.0.1:1", "X-Forwarded-For", http.StatusForbidden},
		{"127.0.0.1:1", "forwarded", http.StatusForbidden},
		{"127.0.0.1:1", "X-Real-IP", http.StatusForbidden},
		{"127.0.0.1:1", "Via", http.StatusForbidden},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.from
		if c.header != "" {
			r.Header.Set(c.header, "")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("from %s with %q: %d, not %d", c.from, c.header, w.Code, c.status)
		}
	}
}
