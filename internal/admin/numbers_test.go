package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"heliograph/internal/admin"
	"heliograph/internal/inventory"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

const (
	london = `{"number":"+442079460100","country":"GB","type":"LONG_CODE","capabilities":["SMS","VOICE"],"parts_per_second":5,"two_way":true}`
	tenDLC = `{"number":"+12065550183","country":"US","type":"TEN_DLC"}`
	short  = `{"number":"12345","country":"US","type":"SHORT_CODE"}`
)

func imported(r *rig, numbers ...string) admin.Imported {
	r.t.Helper()
	return call[admin.Imported](r, "ImportNumbers", `{"numbers":[`+strings.Join(numbers, ",")+`]}`)
}

func TestImportListAssignActivate(t *testing.T) {
	r := newRig(t)
	if got := imported(r, london, tenDLC, short); got != (admin.Imported{Added: 3}) {
		t.Errorf("%+v", got)
	}
	if got := imported(r, london, tenDLC); got != (admin.Imported{Unchanged: 2}) {
		t.Errorf("again: %+v", got)
	}
	n := call[admin.Number](r, "AssignNumber", `{"number":"+442079460100"}`)
	if n.State != admin.StateLeased || n.Lease == nil || n.Lease.Account != first || n.Lease.Status != "ACTIVE" ||
		n.Lease.MessageType != "TRANSACTIONAL" || n.Lease.PartsPerSecond != 5 || !strings.HasPrefix(n.Lease.PhoneNumberID, "phone-") || len(n.Lease.PhoneNumberID) != 38 {
		t.Errorf("%+v %+v", n, n.Lease)
	}
	n = call[admin.Number](r, "AssignNumber", `{"number":"12345","account":"444455556666","message_type":"PROMOTIONAL"}`)
	if n.Lease.Account != second || n.Lease.Status != "PENDING" || n.Lease.MessageType != "PROMOTIONAL" || n.Lease.PartsPerSecond != 100 {
		t.Errorf("%+v", n.Lease)
	}
	byID := call[admin.Number](r, "ActivateNumber", fmt.Sprintf(`{"number":%q}`, n.Lease.PhoneNumberID))
	if byID.Lease.Status != "ACTIVE" {
		t.Errorf("by id: %+v", byID.Lease)
	}
	if again := call[admin.Number](r, "ActivateNumber", `{"number":"12345"}`); again.Lease.Status != "ACTIVE" {
		t.Errorf("again: %+v", again.Lease)
	}
	if item := r.directory.Account(second).Number("12345"); item == nil || item.Value.Status != sms.NumberActive || item.Value.OptOutList != "Default" {
		t.Errorf("the account has %+v", item)
	}
	for filter, want := range map[string]string{
		`{}`:                                  "+12065550183 +442079460100 12345",
		`{"state":"free"}`:                    "+12065550183",
		`{"account":"444455556666"}`:          "12345",
		`{"country":"GB"}`:                    "+442079460100",
		`{"type":"TEN_DLC"}`:                  "+12065550183",
		`{"state":"retired"}`:                 "",
		`{"limit":2}`:                         "+12065550183 +442079460100 next +442079460100",
		`{"limit":2,"after":"+442079460100"}`: "12345",
	} {
		page := call[admin.ListNumbersOutput](r, "ListNumbers", filter)
		var got []string
		for _, n := range page.Numbers {
			got = append(got, n.Number)
		}
		if page.Next != "" {
			got = append(got, "next", page.Next)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", filter, got, want)
		}
	}
}

func TestImportChangesWhatIsLeased(t *testing.T) {
	r := newRig(t)
	imported(r, london)
	id := call[admin.Number](r, "AssignNumber", `{"number":"+442079460100","account":"444455556666"}`).Lease.PhoneNumberID
	changed := strings.Replace(strings.Replace(london, `"parts_per_second":5`, `"parts_per_second":7`, 1), `"two_way":true`, `"two_way":false`, 1)
	if got := imported(r, changed, tenDLC); got != (admin.Imported{Added: 1, Changed: 1}) {
		t.Errorf("%+v", got)
	}
	if p := r.directory.Account(second).PhoneNumbers.Get(id).Value; p.PartsPerSecond != 7 || p.TwoWayOffered {
		t.Errorf("the leased number is %+v", p)
	}
	if n := r.directory.Inventory().Numbers.Get("+442079460100").Value; n.LeasedBy != second || n.AddedAt.IsZero() {
		t.Errorf("the inventory has %+v", n)
	}
	e := r.refused("ImportNumbers", `{"numbers":[`+strings.Replace(london, "LONG_CODE", "TOLL_FREE", 1)+`]}`)
	if e.Kind != sms.KindConflict {
		t.Errorf("another type for a leased number: %v", e)
	}
	plain := strings.Replace(london, `"parts_per_second":5,`, ``, 1)
	imported(r, plain)
	if p := r.directory.Account(second).PhoneNumbers.Get(id).Value; p.PartsPerSecond != 10 {
		t.Errorf("without a figure of its own it sends %v parts a second", p.PartsPerSecond)
	}
}

func TestReleasedNumbersStayRetired(t *testing.T) {
	r := newRig(t)
	imported(r, london)
	id := call[admin.Number](r, "AssignNumber", `{"number":"+442079460100"}`).Lease.PhoneNumberID
	err := r.directory.Change(t.Context(), first, func(tx *resources.Tx) error {
		tx.PhoneNumbers.Delete(id)
		inventory.Retire(tx, "+442079460100")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := imported(r, london); got != (admin.Imported{Retired: 1}) {
		t.Errorf("%+v", got)
	}
	if e := r.refused("AssignNumber", `{"number":"+442079460100"}`); e.Kind != sms.KindConflict {
		t.Errorf("%v", e)
	}
	if e := r.refused("ActivateNumber", `{"number":"+442079460100"}`); e.Kind != sms.KindNotFound {
		t.Errorf("%v", e)
	}
	if page := call[admin.ListNumbersOutput](r, "ListNumbers", `{"state":"retired"}`); len(page.Numbers) != 1 || page.Numbers[0].Lease != nil {
		t.Errorf("%+v", page)
	}
}

func TestNumberRefusals(t *testing.T) {
	r := newRig(t)
	imported(r, london)
	call[admin.Number](r, "AssignNumber", `{"number":"+442079460100"}`)
	for _, c := range []struct{ operation, body, want string }{
		{"ImportNumbers", `{"numbers":[]}`, "MISSING_PARAMETER: At least one number is needed."},
		{"ImportNumbers", `{"numbers":[` + tenDLC + `,{"number":"+1","country":"US","type":"TEN_DLC"}]}`, `numbers[1].number: "+1"`},
		{"ImportNumbers", `{"numbers":[` + strings.Replace(tenDLC, "}", `,"carrier":"none"}`, 1) + `]}`, `numbers[0].carrier: there is no carrier "none".`},
		{"ImportNumbers", `{"numbers":[` + tenDLC + `,` + tenDLC + `]}`, `numbers[1].number: +12065550183 is also numbers[0].`},
		{"ImportNumbers", `{"number":[]}`, `unknown field "number"`},
		{"ImportNumbers", `{"numbers":[]} {}`, `there is more after the JSON object`},
		{"ImportNumbers", `[`, `The request cannot be read`},
		{"ListNumbers", `{"limit":1001}`, `limit is 1001; 1 to 1000 are allowed.`},
		{"ListNumbers", `{"state":"lost"}`, `state is "lost"`},
		{"AssignNumber", `{}`, `number is needed`},
		{"AssignNumber", `{"number":"+12065550199"}`, `There is no phone-number "+12065550199"`},
		{"AssignNumber", `{"number":"+442079460100"}`, `RESOURCE_ALREADY_EXISTS: +442079460100 is leased by account 111122223333.`},
		{"AssignNumber", `{"number":"+442079460100","account":"999999999999"}`, `There is no account "999999999999".`},
		{"AssignNumber", `{"number":"+442079460100","message_type":"OTHER"}`, `message_type is "OTHER"`},
		{"ActivateNumber", `{}`, `number is needed`},
		{"ActivateNumber", `{"number":"phone-1"}`, `There is no phone-number "phone-1"`},
	} {
		if e := r.refused(c.operation, c.body); !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s %s: %v", c.operation, c.body, e)
		}
	}
	if page := call[admin.ListNumbersOutput](r, "ListNumbers", `{}`); len(page.Numbers) != 1 {
		t.Errorf("refused requests left %+v", page.Numbers)
	}
}

func TestOnlyTheFirstAccount(t *testing.T) {
	r := newRig(t)
	for name := range r.operations {
		_, err := r.raw(second, strings.TrimPrefix(name, admin.TargetPrefix), `{}`)
		if e, ok := sms.AsError(err); !ok || e.Kind != sms.KindAccessDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadNumbers(t *testing.T) {
	text := "\ufefftype, number,country,two_way,capabilities\n# the first\nTEN_DLC,+12065550183,US,,\nLONG_CODE,+442079460100,GB,true,SMS VOICE\n"
	numbers, err := admin.ReadNumbers(strings.NewReader(text))
	if err != nil || len(numbers) != 2 || numbers[0].Type != "TEN_DLC" || numbers[1].Number != "+442079460100" || !numbers[1].TwoWay || len(numbers[1].Capabilities) != 2 {
		t.Errorf("%+v, %v", numbers, err)
	}
	for text, want := range map[string]string{
		"":                         "the file is empty",
		"number,country\n":         "line 1: the column type is missing",
		"number,country,type,kind": `line 1: unknown column "kind"; known are number, country`,
		"number,number,country":    "line 1: the column number is there twice",
		"number,country,type\na,b": "line 2: wrong number of fields",
		"number,country,type,two_way\n+1,US,X,yes":                      `line 2: two_way: "yes" is neither true nor false`,
		"number,country,type,parts_per_second\n+1,US,X,1\n+2,US,X,fast": `line 3: parts_per_second: "fast" is not a number`,
	} {
		if _, err := admin.ReadNumbers(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzReadNumbers(f *testing.F) {
	f.Add("number,country,type\n+12065550183,US,TEN_DLC\n")
	f.Add("\"number\",country,type,two_way\n\"+1\n\",,,true")
	f.Fuzz(func(t *testing.T, text string) {
		numbers, err := admin.ReadNumbers(strings.NewReader(text))
		if err != nil && len(numbers) > 0 {
			t.Errorf("%d numbers beside the error %v", len(numbers), err)
		}
	})
}
