//go:build harness

package crash

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// TestDiskFull fills the disk under load: sends are refused at once, reads are
// answered, what was accepted comes to its end, a process that is killed starts
// again, and serves when there is room.
func TestDiskFull(t *testing.T) {
	e := newEpoch(t, 4, 0, newFigures())
	defer e.close()
	if !e.plan.small {
		e.unmount = mountSmall(t, e.dir, smallDisk)
	}
	e.start([]string{plainBinary})
	e.ready()
	e.prepare()
	e.runClients()
	eventually(t, "messages to be taken", func() bool { return len(e.ledger.given(0)) > 50 })
	id := e.ledger.given(0)[0]

	e.failing.Store(true)
	free := fill(t, e.dir)
	eventually(t, "sends to be refused", func() bool { return e.figures.refused.Load() > 20 })
	e.goesOnFull(id)
	// The ballast is room enough for the outcomes of all that was accepted.
	e.settle()

	e.kill("full")
	e.startNext(nil)
	e.ready()
	e.isRefused()
	e.goesOnFull(id)
	if info, err := os.Stat(e.data("heliograph.db.ballast")); err == nil {
		t.Errorf("on a full disk the ballast has %d bytes", info.Size())
	}
	free()
	e.resumes()
	e.terminate()
	e.finish(false)
	t.Logf("%d sends refused while the disk was full", e.figures.refused.Load())
}

// goesOnFull: on a full disk reads are answered, and sends are refused.
func (e *epoch) goesOnFull(id string) {
	e.t.Helper()
	c := e.dial(e.node)
	defer c.Close()
	for _, read := range []struct {
		operation string
		in        map[string]any
		operator  bool
	}{
		{"DescribePhoneNumbers", map[string]any{}, false},
		{"DescribeConfigurationSets", map[string]any{}, false},
		{"ShowMessage", map[string]any{"message_id": id}, true},
	} {
		body, err := json.Marshal(read.in)
		if err != nil {
			e.t.Fatal(err)
		}
		call := c.Call
		if read.operator {
			call = c.Operate
		}
		if status, answer, err := call(read.operation, body); err != nil || status != 200 {
			e.t.Errorf("%s on a full disk: %d %s %v", read.operation, status, answer, err)
		}
	}
	e.isRefused()
	select {
	case <-e.server.Done():
		e.t.Fatalf("the server ended\n%s", e.stderr.tail())
	default:
	}
}

// isRefused makes a send that has to be refused, with an exception that asks the
// client to try again.
func (e *epoch) isRefused() {
	e.t.Helper()
	c := e.dial(e.node)
	defer c.Close()
	c.Timeout = 20 * time.Second
	m := &message{stream: stream{e.lanes[0].identity, "+447700919999"}}
	e.ledger.write(m, bodyKind{tokens: 1})
	body, err := json.Marshal(map[string]any{"DestinationPhoneNumber": m.stream.recipient, "OriginationIdentity": m.stream.identity, "MessageBody": m.body})
	if err != nil {
		e.t.Fatal(err)
	}
	status, answer, err := c.Call("SendTextMessage", body)
	if err != nil || status == 200 || !strings.Contains(string(answer), "ThrottlingException") && !strings.Contains(string(answer), "InternalServerException") {
		e.t.Errorf("on a full disk a send is answered %d %s, %v", status, answer, err)
	}
	if status == 400 {
		e.ledger.settle(m, refused, "")
	}
}
