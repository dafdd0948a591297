package inbound

import (
	"testing"

	"heliograph/internal/carrier"
	"heliograph/internal/keyword"
	"heliograph/internal/sms"
)

func TestDecide(t *testing.T) {
	own := []sms.Keyword{
		{Keyword: "JOIN", Message: "welcome", Action: sms.AutomaticResponse},
		{Keyword: "LEAVE", Message: "bye", Action: sms.OptOut},
		{Keyword: "START", Message: "back", Action: sms.OptIn},
		{Keyword: "HELP", Message: "call us", Action: sms.AutomaticResponse},
		{Keyword: "STOP", Message: "stopped", Action: sms.OptOut},
	}
	of := func(number sms.NumberType, twoWay, self bool, own ...sms.Keyword) settings {
		return settings{number: number, twoWay: twoWay, selfManagedOptOuts: self,
			keywords: keyword.Effective(own, number), required: keyword.Required(number)}
	}
	long, oneWay, self := of(sms.LongCode, true, false, own...), of(sms.LongCode, false, false, own...), of(sms.LongCode, true, true, own...)
	free := of(sms.TollFree, true, false, sms.Keyword{Keyword: "UNSTOP", Message: "back", Action: sms.OptIn})
	freeSelf := of(sms.TollFree, true, true)
	for _, tt := range []struct {
		name   string
		s      settings
		text   string
		want   decision
		result carrier.InboundResult
	}{
		{"no keyword", long, "hello", decision{publish: true}, carrier.InboundPublished},
		{"no keyword, one way", oneWay, "hello", decision{}, carrier.InboundDropped},
		{"no keyword, self-managed", self, "hello", decision{publish: true}, carrier.InboundPublished},
		{"an answer", long, "join me", decision{keyword: "JOIN", reply: "welcome", publish: true}, carrier.InboundPublished},
		{"an answer, one way", oneWay, "Join", decision{keyword: "JOIN", reply: "welcome"}, carrier.InboundAnswered},
		{"an answer, self-managed", self, "JOIN", decision{keyword: "JOIN", publish: true}, carrier.InboundPublished},
		{"HELP", long, "help me understand", decision{keyword: "HELP", reply: "call us"}, carrier.InboundAnswered},
		{"HELP, one way", oneWay, "HELP", decision{keyword: "HELP", reply: "call us"}, carrier.InboundAnswered},
		{"HELP, self-managed", self, "HELP", decision{keyword: "HELP", publish: true}, carrier.InboundPublished},
		{"STOP", long, "Stop.", decision{keyword: "STOP", optOut: true, reply: "stopped"}, carrier.InboundOptedOut},
		{"STOP, one way", oneWay, "STOP", decision{keyword: "STOP", optOut: true, reply: "stopped"}, carrier.InboundOptedOut},
		{"STOP, self-managed", self, "STOP", decision{keyword: "STOP", publish: true}, carrier.InboundPublished},
		{"another required opt-out keyword", long, "UNSUBSCRIBE", decision{keyword: "UNSUBSCRIBE", optOut: true,
			reply: keyword.Required()[0].Message}, carrier.InboundOptedOut},
		{"an opt-out keyword that was added", long, "LEAVE", decision{keyword: "LEAVE", optOut: true, reply: "bye", publish: true}, carrier.InboundOptedOut},
		{"an opt-in keyword", long, "START", decision{keyword: "START", optIn: true, reply: "back", publish: true}, carrier.InboundOptedIn},
		{"an opt-in keyword, one way", oneWay, "START", decision{keyword: "START", optIn: true, reply: "back"}, carrier.InboundOptedIn},
		{"an opt-in keyword, self-managed", self, "START", decision{keyword: "START", publish: true}, carrier.InboundPublished},
		{"STOP to a toll-free number", free, "STOP", decision{keyword: "STOP", optOut: true}, carrier.InboundOptedOut},
		{"STOP to a toll-free number, self-managed", freeSelf, "STOP", decision{keyword: "STOP", publish: true}, carrier.InboundPublished},
		{"CANCEL to a toll-free number", free, "CANCEL", decision{publish: true}, carrier.InboundPublished},
		{"UNSTOP to a toll-free number", free, "UNSTOP", decision{keyword: "UNSTOP", optIn: true, reply: "back", publish: true}, carrier.InboundOptedIn},
		{"START that was not added", free, "START", decision{publish: true}, carrier.InboundPublished},
	} {
		got := decide(tt.s, tt.text, true)
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
		if r := got.result(got.reply != ""); r != tt.result {
			t.Errorf("%s: %s, want %s", tt.name, r, tt.result)
		}
	}
	if got := decide(long, "STOP", false); got != (decision{publish: true}) {
		t.Errorf("a keyword in the middle of a message: %+v", got)
	}
}
