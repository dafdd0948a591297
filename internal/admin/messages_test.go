package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/admin"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

var accepted = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// accept commits a message with a text of two parts.
func (r *rig) accept(id sms.ID) *sms.Message {
	r.t.Helper()
	m := &sms.Message{ID: id, Account: first, AcceptedAt: accepted, ExpiresAt: accepted.Add(time.Hour), Destination: "+14254147755", Country: "US",
		Route: sms.Route{Identity: "+12065550183", Kind: sms.IdentityPhoneNumber, NumberType: sms.TenDLC, IdentityID: "phone-1", Carrier: "sim",
			Lane: "phone-number/phone-1", PartsPerSecond: 1, Why: "the number that was named"},
		Type: sms.Transactional, Body: strings.Repeat("a", 153) + strings.Repeat("b", 20), Encoding: "GSM", Parts: 2,
		ConfigurationSet: "set", Context: map[string]string{"k": "v"}, Price: 12_000, CarrierFee: 500, MaxPrice: "1.00"}
	r.commit(&store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: id, Shard: "sim", Lane: m.Route.Lane, Parts: 2, Due: accepted, Expires: m.ExpiresAt}}}})
	return m
}

func (r *rig) commit(c *store.Change) {
	r.t.Helper()
	if err := r.committer.Commit(c); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) update(m *sms.Message, u sms.PartUpdate) {
	r.t.Helper()
	u.Message, u.Parts = m.ID, m.Parts
	r.commit(&store.Change{Parts: []store.PartChange{{Update: u, Shard: "sim", Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt}}})
}

func (r *rig) show(id sms.ID) admin.Story {
	r.t.Helper()
	return call[admin.Story](r, "ShowMessage", fmt.Sprintf(`{"message_id":%q}`, r.ids.Format(id)))
}

func TestStory(t *testing.T) {
	r := newRig(t)
	id := sms.FirstID(accepted)
	m := r.accept(id)

	s := r.show(id)
	if s.Status != "QUEUED" || s.Final || s.Queue == nil || s.Queue.Lane != m.Route.Lane || s.Queue.Carrier != "sim" {
		t.Errorf("queued: %+v %+v", s, s.Queue)
	}
	if s.MessageID != r.ids.Format(id) || s.Price != "0.012" || s.CarrierFee != "0.0005" || s.MaxPrice != "1.00" || s.Body != m.Body || s.Route.Why != m.Route.Why || s.Context["k"] != "v" {
		t.Errorf("%+v", s)
	}
	if len(s.Parts) != 2 || s.Parts[0].Text != strings.Repeat("a", 153) || s.Parts[1].Units != 20 || s.Parts[1].State != sms.PartUnsent {
		t.Errorf("parts %+v", s.Parts)
	}
	if len(s.Events) != 1 || s.Events[0].Type != "TEXT_QUEUED" || s.Events[0].Description == "" {
		t.Errorf("events %+v", s.Events)
	}

	taken := sms.PartUpdate{Number: 1, Kind: sms.UpdateTaken, Carrier: "sim", CarrierMessageID: "abc", Code: "ESME_ROK", At: accepted.Add(time.Second)}
	r.update(m, taken)
	s = r.show(id)
	if s.Queue != nil || s.Parts[0].State != sms.PartTaken || s.Parts[0].CarrierMessageID != "abc" || s.Parts[1].State != sms.PartUnsent || s.Final {
		t.Errorf("half sent: %+v", s)
	}

	taken.Number, taken.CarrierMessageID = 2, "abd"
	r.update(m, taken)
	for n := 1; n <= 2; n++ {
		r.update(m, sms.PartUpdate{Number: n, Kind: sms.UpdateReceipt, Status: sms.StatusDelivered, Code: "000", Detail: "stat:DELIVRD", At: accepted.Add(2 * time.Second)})
	}
	s = r.show(id)
	if s.Status != "DELIVERED" || !s.Final || s.Parts[1].Status != sms.StatusDelivered || s.Parts[1].Detail != "stat:DELIVRD" || s.Parts[1].CarrierMessageID != "abd" {
		t.Errorf("final: %+v", s)
	}
	var types []string
	for _, e := range s.Events {
		types = append(types, e.Type)
	}
	if got := strings.Join(types, " "); got != "TEXT_QUEUED TEXT_SUCCESSFUL TEXT_DELIVERED" {
		t.Errorf("events %s", got)
	}
}

func TestStoryOfAMovedMessage(t *testing.T) {
	r := newRig(t)
	id := sms.FirstID(accepted)
	m := r.accept(id)
	other := m.Route
	other.Identity, other.Lane, other.Carrier, other.Why = "+12065550184", "phone-number/phone-2", "spare", "carrier sim is down"
	r.commit(&store.Change{Requeue: []store.Requeue{{Queued: store.Queued{ID: id, Shard: "spare", Lane: other.Lane, Parts: 2, Due: accepted, Expires: m.ExpiresAt, Attempts: 1, Route: &other},
		Announce: true, Account: m.Account, ConfigurationSet: m.ConfigurationSet, At: accepted}}})
	s := r.show(id)
	if s.Rerouted == nil || s.Rerouted.Identity != "+12065550184" || s.Route.Identity != "+12065550183" || s.Status != "PENDING" || s.Queue.Attempts != 1 {
		t.Errorf("%+v %+v", s, s.Rerouted)
	}
}

// Feedback is in the story, and says nothing of how the message stands.
func TestStoryWithFeedback(t *testing.T) {
	r := newRig(t)
	id := sms.FirstID(accepted)
	m := r.accept(id)
	if s := r.show(id); s.Feedback != "" {
		t.Errorf("there is feedback before any was put: %q", s.Feedback)
	}
	for _, status := range []string{"FAILED", "RECEIVED"} {
		r.commit(&store.Change{Append: []store.Event{{Message: id, Account: m.Account, Status: store.StatusFeedback, At: accepted, Detail: store.EventDetail{Description: status}}}})
	}
	s := r.show(id)
	if s.Feedback != "RECEIVED" || s.Status != "QUEUED" || s.Final || s.Queue == nil {
		t.Errorf("feedback %q, status %s, final %v, queue %+v", s.Feedback, s.Status, s.Final, s.Queue)
	}
	if n := len(s.Events); n != 3 || s.Events[1].Type != "FEEDBACK" || s.Events[1].Description != "FAILED" || s.Events[2].Description != "RECEIVED" {
		t.Errorf("events %+v", s.Events)
	}
}

func TestListMessages(t *testing.T) {
	r := newRig(t)
	var ids []string
	for i := range 5 {
		id := sms.FirstID(accepted.Add(time.Duration(i) * time.Second))
		r.accept(id)
		ids = append(ids, r.ids.Format(id))
	}
	page := call[admin.ListMessagesOutput](r, "ListMessages", `{"limit":3}`)
	if len(page.Messages) != 3 || page.Messages[0].MessageID != ids[4] || page.Messages[0].Status != "QUEUED" || page.Next != ids[2] {
		t.Errorf("%+v", page)
	}
	page = call[admin.ListMessagesOutput](r, "ListMessages", fmt.Sprintf(`{"before":%q}`, page.Next))
	if len(page.Messages) != 2 || page.Messages[1].MessageID != ids[0] || page.Next != "" {
		t.Errorf("%+v", page)
	}
	if page := call[admin.ListMessagesOutput](r, "ListMessages", `{"account":"444455556666"}`); len(page.Messages) != 0 {
		t.Errorf("%+v", page)
	}
	for body, want := range map[string]string{`{"limit":101}`: "1 to 100 are allowed", `{"limit":-1}`: "limit is -1", `{"before":"x"}`: "is no MessageId of this installation"} {
		if e := r.refused("ListMessages", body); !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", body, e)
		}
	}
	for _, id := range []string{"", "x", r.ids.Format(sms.FirstID(accepted.Add(time.Hour)))} {
		if e := r.refused("ShowMessage", fmt.Sprintf(`{"message_id":%q}`, id)); e.Kind != sms.KindNotFound {
			t.Errorf("%q: %v", id, e)
		}
	}
}

func TestCarriersAndFaults(t *testing.T) {
	r := newRig(t)
	c := call[admin.ListCarriersOutput](r, "ListCarriers", `{}`).Carriers
	if len(c) != 1 || c[0].Name != "sim" || c[0].Kind != "sim" || c[0].Up || c[0].Detail == "" || c[0].Window != 1000 || !c[0].Receipts ||
		c[0].QueuedMessages != 3 || c[0].QueuedParts != 5 || c[0].InFlight != 1 || c[0].Lanes != 2 || c[0].Held != 1 {
		t.Errorf("%+v", c)
	}
	f := call[admin.FaultsOutput](r, "SetFaults", `{"carrier":"sim","faults":{"refuse_rate":0.25,"refuse_status":"SPAM","submit_delay":"50ms"}}`).Faults
	want := admin.Faults{RefuseRate: 0.25, RefuseStatus: "SPAM", SubmitDelay: "50ms"}
	if f != want {
		t.Errorf("%+v", f)
	}
	if f := call[admin.FaultsOutput](r, "GetFaults", `{"carrier":"sim"}`).Faults; f != want {
		t.Errorf("%+v", f)
	}
	for body, want := range map[string]string{
		`{"carrier":"none","faults":{}}`:                      `There is no carrier "none".`,
		`{"carrier":"sim","faults":{"refuse_rate":2}}`:        `refuse_rate is 2: a probability from 0 to 1 is needed`,
		`{"carrier":"sim","faults":{"receipt_delay":"soon"}}`: `faults.receipt_delay is "soon", which is no duration`,
		`{"carrier":"sim","faults":{"status":"LOST"}}`:        `status is "LOST"`,
		`{"carrier":"sim","faults":{"refuse_rates":1}}`:       `unknown field "refuse_rates"`,
	} {
		if e := r.refused("SetFaults", body); !strings.Contains(e.Message, want) {
			t.Errorf("%s: %v", body, e)
		}
	}
	if f := call[admin.FaultsOutput](r, "SetFaults", `{"carrier":"sim","faults":{}}`).Faults; f != (admin.Faults{}) {
		t.Errorf("%+v", f)
	}
}

func TestNodes(t *testing.T) {
	r := newRig(t)
	got := call[admin.ListNodesOutput](r, "ListNodes", `{}`)
	want := admin.ListNodesOutput{Free: []string{"acme#2of2"}, Nodes: []admin.NodeState{
		{Slot: 0, Name: "a", State: "serving", LeaseLeftMS: 4000, Shards: []string{"acme#1of2"}, Streams: []int{0, 3}, Sweeps: true},
		{Slot: 1, Name: "b", State: "here", LeaseLeftMS: 1000, Shards: []string{"sim"}, Streams: []int{1}},
		{Slot: 2, Name: "c", State: "expired", Shards: []string{}, Streams: []int{}},
		{Slot: 3, Name: "d", State: "gone", Shards: []string{}, Streams: []int{}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
