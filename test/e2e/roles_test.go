//go:build python

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRolesOfDestinations: a destination needs a role that the service may take on for
// it and that allows what it does; events wait while the role does not, and come when it
// does again.
func TestRolesOfDestinations(t *testing.T) {
	t.Parallel()
	g := &guide{server: start(t, "tier: production\n"), names: map[string]string{}}
	const (
		create = "aws " + v2 + "create-event-destination --configuration-set-name set --event-destination-name logs --matching-event-types ALL --cloud-watch-logs-destination LogGroupArn=arn:aws:logs:us-east-1:111122223333:log-group:events,IamRoleArn="
		role   = "arn:aws:iam::111122223333:role/"
	)
	g.follow(guideCommand{command: v2 + "create-configuration-set --configuration-set-name set"})
	g.follow(guideCommand{command: "logs create-log-group --log-group-name events"})
	g.role("Another", `"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/other"`, `"logs:*"`, "*")
	g.role("Reader", `"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/set"`, `"logs:Get*"`, "*")
	g.role("Events", `"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/set"`, `["logs:CreateLogStream", "logs:PutLogEvents"]`,
		"arn:aws:logs:us-east-1:111122223333:log-group:events:*")
	for name, want := range map[string]string{"Nobody": "Nobody", "Another": "conditions of the trust policy", "Reader": "does not allow logs:PutLogEvents"} {
		out, err := g.shell(create + role + name + " 2>&1")
		if err == nil || !strings.Contains(out, "ValidationException") || !strings.Contains(out, want) {
			t.Errorf("the role %s: %v, %s", name, err, out)
		}
	}
	if out, err := g.shell(create + role + "Events"); err != nil {
		t.Fatal(err, out)
	}

	send := func() string {
		t.Helper()
		out, err := g.shell("aws " + v2 + "send-text-message --destination-phone-number +447700900123 --message-body hello --configuration-set-name set --output text --query MessageId")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	lines := func() string {
		out, err := g.shell("aws logs filter-log-events --log-group-name events")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	arrives := func(id string) {
		t.Helper()
		for deadline := time.Now().Add(patience); !strings.Contains(lines(), id); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no event of %s came", id)
			}
		}
	}
	arrives(send())

	g.follow(guideCommand{command: "iam delete-role-policy --role-name Events --policy-name events"})
	waits := send()
	time.Sleep(time.Second) // far longer than events take
	if strings.Contains(lines(), waits) {
		t.Error("events came by a role that does not allow it any more")
	}
	g.follow(guideCommand{command: "iam put-role-policy --role-name Events --policy-name events --policy-document file://Events.json"})
	arrives(waits)
}

// TestWebHooksStayOutside: a subscription is no way to what only this machine reaches.
func TestWebHooksStayOutside(t *testing.T) {
	t.Parallel()
	g := &guide{server: start(t, "", "HELIOGRAPH_EGRESS_ALLOW_NETWORKS="), names: map[string]string{}}
	var reached atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer hook.Close()
	g.follow(guideCommand{command: "sns create-topic --name events"})
	g.follow(guideCommand{command: "sns subscribe --topic-arn arn:aws:sns:us-east-1:111122223333:events --protocol http --notification-endpoint " + hook.URL})
	deadline := time.Now().Add(patience)
	for {
		log, err := os.ReadFile(filepath.Join(g.dir, "stderr.log"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(log), "egress.allow_networks") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the endpoint was not refused")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached this machine", n)
	}
}
