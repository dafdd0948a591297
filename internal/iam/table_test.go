package iam

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The decisions of testdata/*.txt, written from the published rules. Each line is one of
//
//	## what the group is about
//	policy NAME [2008] STATEMENT[, STATEMENT]   a policy document's statements
//	when CONDITION                              allows all under the condition: identity=when
//	in WHO [identity=NAMES] [boundary=NAME] [session=NAMES] [resource=NAME] [trust=NAME] [owner=ACCOUNT]
//	VERDICT ACTION RESOURCE [key=value,value ...]
//
// of which the last is a decision under what stands above it; - is a read of a pool. A
// name that no policy has is a policy that is missing. "limited" in the place of a
// session's policies is a session that has policies, none of which is there.
const leastDecisions = 300

// verdicts by what a line says.
var verdicts = map[string]Decision{
	"allow":    {Allowed: true, Reason: AllowedBy},
	"explicit": {Reason: ExplicitDeny},
	"identity": {Reason: NoIdentityPolicy},
	"resource": {Reason: NoResourcePolicy},
	"boundary": {Reason: NoBoundary},
	"session":  {Reason: NoSessionPolicy},
	"broken":   {Reason: BrokenPolicy},
}

// people by the name that a line gives them.
var people = map[string]Principal{
	"ann":   *ann(),
	"other": {Type: UserType, ARN: "arn:aws:iam::111122223333:user/other", Account: "111122223333", ID: "AIDAOTHEROTHEROTHER1", Name: "other"},
	"root":  {Type: Root, ARN: "arn:aws:iam::111122223333:root", Account: "111122223333", ID: "111122223333"},
	"night": {Type: AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/ops/night", Account: "111122223333",
		ID: "AROAOPSOPSOPSOPSOPS1:night", Role: "arn:aws:iam::111122223333:role/team/ops"},
	"sms":   {Type: ServiceType, ARN: "sms-voice.amazonaws.com", Service: "sms-voice.amazonaws.com"},
	"sns":   {Type: ServiceType, ARN: "sns.amazonaws.com", Service: "sns.amazonaws.com"},
	"web":   {Type: WebIdentity, ARN: "id.example.com:1", Issuer: "id.example.com"},
	"web8":  {Type: WebIdentity, ARN: "localhost:1", Issuer: "localhost:8443/realms/a"},
	"guest": {Type: Anonymous},
}

// keys are a Context.
type keys map[string][]string

func (k keys) Lookup(key string) []string { return k[key] }

// table is one file while it is read.
type table struct {
	group    string
	policies map[string]string // statements, with "2008 " before those of that version
	subject  Subject
	resource *Attached
	owner    string
}

func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	decisions, groups := 0, map[string]int{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		tab := &table{policies: map[string]string{}}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			if tab.line(t, fmt.Sprintf("%s:%d", file, n), strings.TrimSpace(lines.Text())) {
				decisions++
				groups[tab.group]++
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if decisions < leastDecisions {
		t.Errorf("%d decisions, want %d", decisions, leastDecisions)
	}
	t.Logf("%d decisions in %d groups", decisions, len(groups))
}

// line reads one line; it says whether that was a decision.
func (tab *table) line(t *testing.T, place, line string) bool {
	t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "", "#":
	case "##":
		tab.group = rest
	case "policy":
		name, statements, _ := strings.Cut(rest, " ")
		tab.policies[name] = statements
	case "when":
		tab.policies["when"] = `{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + rest + `}`
		tab.enter(t, place, []string{"ann", "identity=when"})
	case "in":
		tab.enter(t, place, strings.Fields(rest))
	default:
		want, ok := verdicts[word]
		fields := strings.Fields(rest)
		if !ok || len(fields) < 2 {
			t.Fatalf("%s: %q cannot be read", place, line)
		}
		tab.decide(t, place, want, fields)
		return true
	}
	return false
}

// enter sets up what the next decisions are under.
func (tab *table) enter(t *testing.T, place string, fields []string) {
	t.Helper()
	p, ok := people[fields[0]]
	if !ok {
		t.Fatalf("%s: nobody is called %q", place, fields[0])
	}
	tab.subject, tab.resource, tab.owner = Subject{Principal: &p}, nil, ""
	for _, field := range fields[1:] {
		what, names, _ := strings.Cut(field, "=")
		for name := range strings.SplitSeq(names, ",") {
			switch what {
			case "identity":
				tab.subject.Identity = append(tab.subject.Identity, tab.attached(t, place, name, IdentityPolicy))
			case "boundary":
				a := tab.attached(t, place, name, IdentityPolicy)
				tab.subject.Boundary = &a
			case "session":
				tab.subject.Limited = true
				if name != "limited" {
					tab.subject.Session = append(tab.subject.Session, tab.attached(t, place, name, IdentityPolicy))
				}
			case "resource", "trust":
				a := tab.attached(t, place, name, map[string]Kind{"resource": ResourcePolicy, "trust": TrustPolicy}[what])
				tab.resource = &a
			case "owner":
				tab.owner = name
			default:
				t.Fatalf("%s: %q cannot be read", place, field)
			}
		}
	}
}

func (tab *table) attached(t *testing.T, place, name string, kind Kind) Attached {
	t.Helper()
	statements, ok := tab.policies[name]
	if !ok {
		return Attached{Name: name}
	}
	version := version2012
	if rest, old := strings.CutPrefix(statements, "2008 "); old {
		version, statements = version2008, rest
	}
	p, err := Parse(`{"Version":"`+version+`","Statement":[`+statements+`]}`, kind)
	if err != nil {
		t.Fatalf("%s: policy %s: %v", place, name, err)
	}
	return Attached{Name: name, Policy: p}
}

func (tab *table) decide(t *testing.T, place string, want Decision, fields []string) {
	t.Helper()
	r := &Request{Action: fields[0], Resource: fields[1], Owner: tab.owner}
	if r.Action == "-" {
		r.Action = "sms-voice:DescribePools"
	}
	if r.Resource == "-" {
		r.Resource = "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1"
	}
	context := keys{}
	for _, field := range fields[2:] {
		key, values, _ := strings.Cut(field, "=")
		context[strings.ToLower(key)] = strings.Split(values, ",")
	}
	r.Context = context
	d := Decide(&tab.subject, r, tab.resource)
	if d.Allowed != want.Allowed || d.Reason != want.Reason {
		t.Errorf("%s (%s): %s on %s: allowed %v, %s; want %v, %s", place, tab.group, r.Action, r.Resource, d.Allowed, d.Reason, want.Allowed, want.Reason)
	}
}
