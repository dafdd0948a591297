//go:build python

package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestWebHooksStayOutside: a subscription is no way to what only this machine reaches.
func TestWebHooksStayOutside(t *testing.T) {
	t.Parallel()
	g := &guide{server: start(t, "", "HELIOGRAPH_EGRESS_ALLOW_NETWORKS="), names: map[string]string{}}
	var reached atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer hook.Close()
	g.follow(guideCommand{command: "sns create-topic --name events"})
	g.follow(guideCommand{command: "sns subscribe --topic-arn arn:aws:sns:us-east-1:111122223333:events --protocol http --notification-endpoint " + hook.URL})
	eventually(t, "the refusal of the endpoint", func() bool { return strings.Contains(g.log(), "egress.allow_networks") })
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached this machine", n)
	}
}
