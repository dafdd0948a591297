//go:build harness

package crash

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"heliograph/test/rig"
)

// lane is one origination identity that clients send from.
type lane struct {
	identity    string
	promotional bool
	ordered     bool // it leaves over one session
	abroad      bool // it sends to another country
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

// twoWay is a number that handsets write to, with its opt-out list.
type twoWay struct{ number, carrier, list, id string }

// twoWayNumbers are the last of the inventory's numbers.
var twoWayNumbers = []twoWay{{"+447700900007", "one", "Handsets", ""}, {"+447700900008", "two", "Default", ""}}

// prepareTwoWay makes opt-out lists, keywords and two-way channels.
func (w *world) prepareTwoWay(c *rig.Client) {
	w.t.Helper()
	w.call(c, "CreateOptOutList", map[string]any{"OptOutListName": "Handsets"}, nil)
	for _, number := range twoWayNumbers {
		n := &number
		var leased struct {
			PhoneNumber   string
			PhoneNumberID string `json:"PhoneNumberId"`
		}
		w.call(c, "RequestPhoneNumber", map[string]any{"IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL", "NumberType": "LONG_CODE",
			"NumberCapabilities": []string{"SMS"}}, &leased)
		if leased.PhoneNumber != n.number {
			w.t.Fatalf("%s was leased instead of %s", leased.PhoneNumber, n.number)
		}
		n.id = leased.PhoneNumberID
		w.twoWay = append(w.twoWay, n)
		w.call(c, "UpdatePhoneNumber", map[string]any{"PhoneNumberId": n.id, "TwoWayEnabled": true, "OptOutListName": n.list,
			"TwoWayChannelArn": "arn:aws:sns:us-east-1:" + account + ":Handsets"}, nil)
		for keyword, body := range keywords {
			w.call(c, "PutKeyword", map[string]any{"OriginationIdentity": n.id, "Keyword": keyword, "KeywordMessage": body,
				"KeywordAction": cmp.Or(map[string]string{"STOP": "OPT_OUT", "START": "OPT_IN"}[keyword], "AUTOMATIC_RESPONSE")}, nil)
		}
	}
}

// keywords are what handsets say that has an answer, and the answers.
var keywords = map[string]string{"STOP": "You have left.", "START": "You are back.", "JOIN": "You have joined.", "HELP": "Ask us."}

func isReply(text string) bool {
	for _, body := range keywords {
		if text == body {
			return true
		}
	}
	return false
}

// abroad is a number of another country.
const abroad = "+33639980900"

// inventory is the numbers as the configuration has them.
func inventory() string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, "  - {number: %q, country: GB, type: LONG_CODE, carrier: %s, parts_per_second: %d}\n", n.number, n.carrier, n.rate)
	}
	for _, n := range twoWayNumbers {
		fmt.Fprintf(&b, "  - {number: %q, country: GB, type: LONG_CODE, carrier: %s, parts_per_second: 200, two_way: true}\n", n.number, n.carrier)
	}
	fmt.Fprintf(&b, "  - {number: %q, country: FR, type: LONG_CODE, carrier: one, parts_per_second: 200}\n", abroad)
	return b.String()
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
	w.call(c, "RequestPhoneNumber", map[string]any{"IsoCountryCode": "FR", "MessageType": "TRANSACTIONAL", "NumberType": "LONG_CODE",
		"NumberCapabilities": []string{"SMS"}}, nil)
	w.lanes = append(w.lanes, lane{identity: abroad, ordered: true, abroad: true, weight: 1})
	if len(pool) != 2 {
		w.t.Fatalf("%d numbers for the pool", len(pool))
	}
	var made struct {
		PoolID string `json:"PoolId"`
	}
	w.call(c, "CreatePool", map[string]any{"OriginationIdentity": pool[0], "IsoCountryCode": "GB", "MessageType": "TRANSACTIONAL"}, &made)
	w.call(c, "AssociateOriginationIdentity", map[string]any{"PoolId": made.PoolID, "OriginationIdentity": pool[1], "IsoCountryCode": "GB"}, nil)
	w.lanes = append(w.lanes, lane{identity: made.PoolID, weight: 3})
	w.prepareTwoWay(c)
	w.prepareFilter(c)
	w.prepareLog(c)
	for set, destinations := range sets {
		w.call(c, "CreateConfigurationSet", map[string]any{"ConfigurationSetName": set}, nil)
		for name, types := range destinations {
			w.call(c, "CreateEventDestination", map[string]any{"ConfigurationSetName": set, "EventDestinationName": name, "MatchingEventTypes": types,
				"CloudWatchLogsDestination": map[string]any{"IamRoleArn": "arn:aws:iam::" + account + ":role/HeliographEvents",
					"LogGroupArn": "arn:aws:logs:us-east-1:" + account + ":log-group:" + name}}, nil)
		}
	}
}

// prepareFilter makes the protect configuration that filters messages to the country
// that most recipients are in.
func (w *world) prepareFilter(c *rig.Client) {
	w.t.Helper()
	var made struct {
		ID string `json:"ProtectConfigurationId"`
	}
	w.call(c, "CreateProtectConfiguration", map[string]any{}, &made)
	w.call(c, "UpdateProtectConfigurationCountryRuleSet", map[string]any{"ProtectConfigurationId": made.ID, "NumberCapability": "SMS",
		"CountryRuleSetUpdates": map[string]any{"GB": map[string]any{"ProtectStatus": "FILTER"}}}, nil)
	w.filter = made.ID
}

// logGroup is the embedded log group, and the name of the event destinations whose
// events it gets.
const logGroup = "lines"

func (w *world) prepareLog(c *rig.Client) {
	w.t.Helper()
	if status, answer, err := c.CallLogs("CreateLogGroup", []byte(`{"logGroupName":"`+logGroup+`"}`)); err != nil || status != 200 {
		w.t.Fatalf("CreateLogGroup: %d %s, %v", status, answer, err)
	}
}

// sets are the configuration sets with their event destinations and what these
// ask for.
var sets = map[string]map[string][]string{
	"First":  {"everything": {"ALL"}, "ends": {"TEXT_DELIVERED", "TEXT_UNREACHABLE"}},
	"Second": {"everything": {"ALL"}, logGroup: {"ALL"}},
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
