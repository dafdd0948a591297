//go:build harness

package crash

import (
	"encoding/json"
	"fmt"

	"heliograph/test/rig"
)

// lane is one origination identity that clients send from.
type lane struct {
	identity    string
	promotional bool
	ordered     bool // it leaves over one session
	weight      int  // share of the load
}

// numbers is the inventory: two of the numbers are slower than the load.
var numbers = []struct {
	number, carrier string
	rate            int
}{
	{"+447700900000", "one", 400}, {"+447700900001", "one", 60}, {"+447700900002", "one", 200},
	{"+447700900003", "two", 400}, {"+447700900004", "two", 60}, {"+447700900005", "two", 200}, {"+447700900006", "one", 200},
}

// prepare leases the numbers and makes the pool, the configuration sets and the
// event destinations.
func (w *world) prepare() {
	w.t.Helper()
	c := w.dial(w.nodes[0])
	defer c.Close()
	var pool []string
	carriers := map[string]string{}
	for _, n := range numbers {
		carriers[n.number] = n.carrier
	}
	inPool := map[string]bool{}
	for i := range numbers {
		kind := "TRANSACTIONAL"
		if i == 2 || i == 4 {
			kind = "PROMOTIONAL"
		}
		var leased struct {
			PhoneNumber   string
			PhoneNumberID string `json:"PhoneNumberId"`
		}
		w.call(c, "RequestPhoneNumber", map[string]any{"IsoCountryCode": "GB", "MessageType": kind, "NumberType": "LONG_CODE",
			"NumberCapabilities": []string{"SMS"}}, &leased)
		carrier := carriers[leased.PhoneNumber]
		if kind == "TRANSACTIONAL" && i > 0 && !inPool[carrier] {
			inPool[carrier] = true
			pool = append(pool, leased.PhoneNumberID)
			continue
		}
		w.lanes = append(w.lanes, lane{identity: leased.PhoneNumber, promotional: kind == "PROMOTIONAL", ordered: carrier == "one", weight: w.weight(leased.PhoneNumber)})
	}
	if len(pool) != 2 {
		w.t.Fatalf("%d numbers for the pool", len(pool))
	}
	var made struct {
		PoolID string `json:"PoolId"`
	}
	w.call(c, "CreatePool", map[string]any{"OriginationIdentity": pool[0], "IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL"}, &made)
	w.call(c, "AssociateOriginationIdentity", map[string]any{"PoolId": made.PoolID, "OriginationIdentity": pool[1], "IsoCountryCode": "GB"}, nil)
	w.lanes = append(w.lanes, lane{identity: made.PoolID, weight: 3})
	for set, destinations := range sets {
		w.call(c, "CreateConfigurationSet", map[string]any{"ConfigurationSetName": set}, nil)
		for name, types := range destinations {
			w.call(c, "CreateEventDestination", map[string]any{"ConfigurationSetName": set, "EventDestinationName": name, "MatchingEventTypes": types,
				"CloudWatchLogsDestination": map[string]any{"IamRoleArn": "arn:aws:iam::" + account + ":role/Events",
					"LogGroupArn": "arn:aws:logs:us-east-1:" + account + ":log-group:" + name}}, nil)
		}
	}
}

// sets are the configuration sets with their event destinations and what these
// ask for.
var sets = map[string]map[string][]string{
	"First":  {"everything": {"ALL"}, "ends": {"TEXT_DELIVERED", "TEXT_UNREACHABLE"}},
	"Second": {"everything": {"ALL"}},
}

// weight is a number's share of the load.
func (w *world) weight(number string) int {
	for _, n := range numbers {
		if n.number == number && n.rate < 100 {
			return 1
		}
	}
	return 3
}

func (w *world) dial(n *node) *rig.Client {
	w.t.Helper()
	c, err := w.key.Dial(n.launch.Listen)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Timeout, c.Now = patience, n.clock
	return c
}

// call makes a call that has to succeed.
func (w *world) call(c *rig.Client, operation string, in, out any) {
	w.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	status, answer, err := c.Call(operation, body)
	if err == nil && status != 200 {
		err = fmt.Errorf("%d %s", status, answer)
	}
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		w.t.Fatalf("%s: %v\n%s", operation, err, w.nodes[0].stderr.tail())
	}
}
