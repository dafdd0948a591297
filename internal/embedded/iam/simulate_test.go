package iam

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// statements is a policy of many statements.
func statements(n int, effect string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Repeat(`{"Effect":"`+effect+`","Action":"*","Resource":"*"},`, n-1) +
		`{"Effect":"` + effect + `","Action":"*","Resource":"*"}]}`
}

// numbered are the parameters of a list of n texts.
func numbered(name string, n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " %s.member.%d=%s", name, i+1, fmt.Sprintf(format, i))
	}
	return b.String()
}

// However long its policies are, a simulation's answer is short, and what does not fit is
// on the next page.
func TestSimulationIsBounded(t *testing.T) {
	r := newRig(t)
	hundred := numbered("ActionNames", 100, "a:B%d")
	body := r.ok("SimulateCustomPolicy MaxItems=1000 PolicyInputList.member.1=" + statements(2500, "Allow") + hundred)
	if len(body) > 2*maxAnswered {
		t.Errorf("an answer of %d octets", len(body))
	}
	if n := strings.Count(body, "<EvalActionName>"); n == 0 || strings.Count(body, "<SourcePolicyId>") != 2*maxMatched*n {
		t.Errorf("%d statements in %d results", strings.Count(body, "<SourcePolicyId>"), n)
	}
	// All pages together have every decision once.
	const policies, wide = 40, " MaxItems=1000"
	line := "SimulateCustomPolicy" + wide + numbered("ActionNames", 600, "a:B%d")
	for i := range policies {
		line += fmt.Sprintf(" PolicyInputList.member.%d=%s", i+1, statements(60, "Allow"))
	}
	seen, pages, marker := 0, 0, ""
	for pages == 0 || marker != "" {
		next := line
		if marker != "" {
			next += " Marker=" + marker
		}
		body := r.ok(next)
		n := strings.Count(body, "<EvalActionName>")
		if n*policies*60 > maxStatementsByPage {
			t.Fatalf("%d results on a page", n)
		}
		seen, pages, marker = seen+n, pages+1, ""
		if element(t, body, "IsTruncated") == "true" {
			marker = element(t, body, "Marker")
		}
	}
	if seen != 600 || pages < 2 {
		t.Errorf("%d decisions on %d pages", seen, pages)
	}
}

// A statement that denies is listed, however many allow.
func TestSimulationListsDenial(t *testing.T) {
	r := newRig(t)
	body := r.ok("SimulateCustomPolicy ActionNames.member.1=a:b PolicyInputList.member.1=" + statements(200, "Allow") +
		" PolicyInputList.member.2=" + statements(1, "Deny"))
	if element(t, body, "EvalDecision") != "explicitDeny" || !strings.Contains(body, "<SourcePolicyId>PolicyInputList.2<") {
		t.Error(body)
	}
}

func TestSimulationRefused(t *testing.T) {
	r := newRig(t)
	one := "SimulateCustomPolicy ActionNames.member.1=a:b PolicyInputList.member.1=" + allowAll
	for _, line := range []string{
		one + " PolicyInputList.member.2=" + statements(2700, "Allow"),
		one + " PolicyInputList.member.2=" + statements(1400, "Allow") + " ResourcePolicy=" + statements(1400, "Allow"),
		one + " PermissionsBoundaryPolicyInputList.member.1=" + statements(2700, "Allow"),
		"GetContextKeysForCustomPolicy PolicyInputList.member.1=" + statements(2700, "Allow"),
		one + " ActionNames.member.2=a:" + strings.Repeat("b", maxActionName),
		one + " ResourceArns.member.1=" + strings.Repeat("b", maxResourceARN+1),
		one + " ContextEntries.member.1.ContextKeyName=a:key ContextEntries.member.1.ContextKeyValues.member.1=" + strings.Repeat("b", maxContextValues+1),
		one + numbered("ResourceArns", 1000, "arn:%d") + strings.Replace(numbered("ActionNames", 11, "a:B%d"), " ActionNames.member.1=a:B0", "", 1),
	} {
		r.refused(line, http.StatusBadRequest, "InvalidInput")
	}
}

// An account has one simulation at a time; another account's are its own.
func TestOneSimulationAtATime(t *testing.T) {
	r := newRig(t)
	line := "SimulateCustomPolicy ActionNames.member.1=a:b PolicyInputList.member.1=" + allowAll
	r.service.simulating.Store(account, true)
	r.refused(line, http.StatusBadRequest, "Throttling")
	if status, body := r.do(r.as(other, ""), line); status != http.StatusOK {
		t.Error(body)
	}
	r.service.simulating.Delete(account)
	r.ok(line)
	r.ok(line)
	r.refused(strings.Replace(line, "a:b", "b", 1), http.StatusBadRequest, "InvalidInput")
	r.ok(line)
}

// What has no value is told in every result, and does not make an answer long.
func TestMissingValuesAreBounded(t *testing.T) {
	r := newRig(t)
	var keys []string
	for i := range 1500 {
		keys = append(keys, fmt.Sprintf(`"k:%d%s":"v"`, i, strings.Repeat("x", 40)))
	}
	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{` + strings.Join(keys, ",") + `}}}}`
	body := r.ok("SimulateCustomPolicy MaxItems=1000 PolicyInputList.member.1=" + policy + numbered("ActionNames", 200, "a:B%d"))
	if n := strings.Count(body, "<EvalActionName>"); len(body) > 2*maxAnswered || n == 0 || strings.Count(body, "<MissingContextValues>") != 2*n ||
		strings.Count(body, strings.Repeat("x", 40)) != 2*n*1500 || element(t, body, "IsTruncated") != "true" {
		t.Errorf("%d octets of %d results", len(body), n)
	}
}

// Whoever renames or moves somebody needs the permission on what it was and what it is to
// be (UpdateUser and UpdateGroup in the IAM API reference).
func TestActsOfMoves(t *testing.T) {
	r := newRig(t)
	r.ok("CreateUser UserName=bob Path=/team/ Tags.member.1.Key=Dept Tags.member.1.Value=a")
	r.ok("CreateGroup GroupName=Ops Path=/team/")
	for line, want := range map[string][]string{
		"UpdateUser UserName=BOB NewUserName=boss NewPath=/admins/": {arn + "user/team/bob", arn + "user/admins/boss"},
		"UpdateUser UserName=bob NewUserName=boss":                  {arn + "user/team/bob", arn + "user/team/boss"},
		"UpdateUser UserName=bob NewUserName=Bob":                   {arn + "user/team/bob", arn + "user/team/Bob"},
		"UpdateUser UserName=bob NewPath=/":                         {arn + "user/team/bob", arn + "user/bob"},
		"UpdateUser UserName=bob":                                   {arn + "user/team/bob"},
		"UpdateUser UserName=eve NewUserName=adam":                  {arn + "user/eve", arn + "user/adam"},
		"UpdateUser NewUserName=adam":                               {arn + "user/team/bob", arn + "user/team/adam"},
		"UpdateGroup GroupName=ops NewGroupName=admins NewPath=/a/": {arn + "group/team/Ops", arn + "group/a/admins"},
		"UpdateGroup GroupName=ops NewPath=/team/":                  {arn + "group/team/Ops"},
		"UpdateGroup NewGroupName=admins":                           nil,
		"AddUserToGroup GroupName=ops UserName=bob":                 {arn + "group/team/Ops"},
		"RemoveUserFromGroup GroupName=ops UserName=bob":            {arn + "group/team/Ops"},
	} {
		act := r.service.Acts(r.as(account, "bob"), form(t, line))
		if fmt.Sprint(act.Resources) != fmt.Sprint(want) {
			t.Errorf("%s acts on %v, not %v", line, act.Resources, want)
		}
		if strings.HasPrefix(line, "UpdateUser UserName=bob") && act.ResourceTags["Dept"] != "a" {
			t.Errorf("%s acts on what is tagged %v", line, act.ResourceTags)
		}
	}
}
