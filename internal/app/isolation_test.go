package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

var hexadecimal = regexp.MustCompile(`[0-9a-f]{32}`)

// never is of the form of a value of the victim's, and nothing ever had it. Hexadecimal
// digits are others; names have another letter.
func (s *stage) never(as, value string) string {
	switch as {
	case "message", "repeated message":
		return s.service.ids.Format(sms.FirstID(time.Now().Add(-time.Hour)) + sms.ID(len(as)))
	case "next token":
		return value[:8] + strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'y' {
				return r + 1
			}
			return r
		}, value[8:])
	case "number E.164", "member E.164":
		return value[:len(value)-4] + fmt.Sprintf("%04d", len(as)+int(as[0]))
	}
	value = hexadecimal.ReplaceAllStringFunc(value, func(id string) string {
		return strings.Map(func(r rune) rune { return rune("123456789abcdef0"[strings.IndexRune("0123456789abcdef", r)]) }, id)
	})
	value = strings.ReplaceAll(value, "VICT", "VYCT")
	return strings.ReplaceAll(value, "victim", "vyctim")
}

// noise is what differs between two answers to the same request: ids, times and numbers
// that were drawn.
var noise = []*regexp.Regexp{
	regexp.MustCompile(`(AKIA|AIDA|AROA|AGPA|ANPA|ASIA)[A-Z0-9]{16,17}`),
	regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
	regexp.MustCompile(`[0-9a-f]{32}`),
	regexp.MustCompile(`"(NextToken|nextToken)":"[^"]*"`),
	regexp.MustCompile(`\+?[0-9]{10,}(\.[0-9]+)?(E[0-9]+)?`),
	regexp.MustCompile(`<SecretAccessKey>[^<]*`),
	regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`),
}

// seen is an answer without the value that was asked about and without noise.
func seen(status int, answer, value string) string {
	answer = strings.NewReplacer(value, "VALUE", strings.ToUpper(value), "VALUE", strings.ToLower(value), "VALUE", url.QueryEscape(value), "VALUE").Replace(answer)
	quoted, _ := json.Marshal(value)
	answer = strings.ReplaceAll(answer, strings.Trim(string(quoted), `"`), "VALUE")
	if kind, id, ok := strings.Cut(value, "/"); ok && strings.HasPrefix(kind, "arn:") {
		answer = strings.ReplaceAll(answer, id, "ID")
	}
	answer = strings.NewReplacer("vyctim", "victim", "VYCT", "VICT", "VYCTIM", "VICTIM").Replace(answer) // among what else the attackers have made
	for _, n := range noise {
		answer = n.ReplaceAllString(answer, "#")
	}
	return fmt.Sprintf("%d %s", status, answer)
}

// same has one attacker ask about a value of the victim's and the other one about one that
// never was, and compares the answers.
func (s *stage) same(what string, values [2]string, with func(value string, mine map[string]string) ask) {
	s.t.Helper()
	var answers [2]string
	for i, value := range values {
		status, answer := s.send(s.attackers[i], with(value, s.mine[i]))
		answers[i] = seen(status, answer, value)
	}
	if answers[0] != answers[1] {
		s.t.Errorf("%s:\n the victim's %q: %s\n never there %q: %s", what, values[0], answers[0], values[1], answers[1])
	}
}

// holdings are all that the store and the directory have of the victim.
func (s *stage) holdings() map[string]string {
	s.t.Helper()
	ctx, all := s.t.Context(), map[string]string{}
	rows, err := s.service.engine.Resources(ctx, victim)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		all["resource "+r.Kind+"/"+r.ID] = fmt.Sprintf("%d %v %s", r.Version, r.Tags, r.Doc)
	}
	used, err := s.service.lists.Usage(ctx, victim, time.Now().UTC().Format("2006-01"))
	if err != nil {
		s.t.Fatal(err)
	}
	all["usage"] = fmt.Sprint(used)
	messages, err := s.service.engine.MessagesOf(ctx, victim, 0, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range messages {
		events, err := s.service.engine.MessageEvents(ctx, m.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		all[fmt.Sprint("message ", m.ID)] = fmt.Sprintf("%+v %+v", *m, events)
	}
	account := s.service.directory.Account(victim)
	lists := map[string]int64{"idempotency": store.ListID("idempotency", victim)}
	for _, list := range account.OptOutLists.All() {
		lists["opt-outs "+list.ID] = optoutList(list)
	}
	for _, p := range account.Protect.All() {
		lists["overrides "+p.ID] = store.ListID(sms.OverrideList(victim, p.ID)...)
	}
	for name, list := range lists {
		entries, err := s.service.lists.EntriesAfter(ctx, store.EntryScan{List: list, After: -1 << 62, Limit: 1000})
		if err != nil {
			s.t.Fatal(err)
		}
		all[name] = fmt.Sprintf("%+v", entries)
	}
	return all
}

// Whatever an account asks about what another one has, in any member of any operation, is
// answered as if it had never been there, and nothing of it changes.
func TestIsolation(t *testing.T) {
	s := newStage(t)
	theirs := s.hold(s.victim, victim, "victim")
	theirs["serial"] = s.login(victim, theirs["user"])
	s.settle()
	before := s.holdings()
	attackers := [2]string{"444455556666", "555566667777"}
	s.enter(attackers)
	for as, value := range theirs {
		s.secrets[as] = [2]string{value, s.never(as, value)}
	}
	s.lookups()
	s.walk()
	s.others()
	s.sessions(attackers)

	// An account that there is not is like one that there is.
	s.enter([2]string{"666677778888", "777788889999"})
	clear(s.secrets)
	for as, value := range theirs {
		if strings.HasSuffix(as, " ARN") {
			s.secrets[as] = [2]string{value, strings.Replace(value, victim, nobody, 1)}
		}
	}
	s.walk()

	s.settle()
	after := s.holdings()
	for _, what := range slices.Sorted(maps.Keys(after)) {
		if before[what] != after[what] {
			t.Errorf("%s was\n%s and is\n%s", what, before[what], after[what])
		}
	}
	for what := range before {
		if _, there := after[what]; !there {
			t.Errorf("%s is gone", what)
		}
	}
}

// walk asks about every secret in every text of every operation of the API model.
func (s *stage) walk() {
	s.t.Helper()
	for _, operation := range wire.Names() {
		o, _ := wire.Lookup(operation)
		if _, answer := s.send(s.victim, voice(operation, "no input")); strings.HasPrefix(answer, "UnknownOperationException") {
			continue
		}
		for _, way := range members(reflect.TypeOf(o.NewInput()), "") {
			for as, values := range s.secrets {
				s.same(operation+" "+way+" with the "+as, values, func(value string, mine map[string]string) ask {
					return voice(operation, put(inputs(mine)[operation], way, value))
				})
			}
		}
	}
	for _, as := range []string{"key", "token"} {
		if values, ok := s.secrets[as]; ok {
			s.same("Idempotency-Key", values, func(value string, _ map[string]string) ask {
				a := voice("SendTextMessage", in{"DestinationPhoneNumber": success, "MessageBody": "victim text"})
				a.header = map[string]string{"Idempotency-Key": value}
				return a
			})
		}
	}
}
