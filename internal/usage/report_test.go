package usage

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestReport(t *testing.T) {
	used := func(account, channel, country, route string, s store.Sums) store.Usage {
		return store.Usage{UsageKey: store.UsageKey{Account: account, Month: "2026-11", Channel: channel, Country: country, Route: route}, Sums: s}
	}
	got := Report("ca-central-1", []store.Usage{
		used(customer, ChannelText, "US", string(sms.TenDLC), store.Sums{Parts: 10, Price: 64_500, FeeParts: 10, Fee: 30_000}),
		used(customer, ChannelText, "GB", string(sms.ShortCode), store.Sums{Parts: 7, Price: 273_000}),
		used(customer, ChannelText, "GB", string(sms.Simulator), store.Sums{Parts: 2}),
		used(customer, ChannelVoice, "GB", string(sms.LongCode), store.Sums{Parts: 1, Price: 1}),
		used(customer, ChannelText, "FR", string(sms.LongCode), store.Sums{}),
		used("000000000001", ChannelText, "US", string(sms.TollFree), store.Sums{Parts: 3, Price: 3, FeeParts: 1, Fee: 1}), // of two prices
	})
	want := []Line{
		{Account: "000000000001", UsageType: "CAN1-OutboundSMS-US-Standard-TollFree-MessageCount", Counts: true, Parts: 3},
		{Account: "000000000001", UsageType: "CAN1-OutboundSMS-US-Standard-TollFree-MessageFees", Amount: 3},
		{Account: "000000000001", UsageType: "CAN1-OutboundSMS-US-Standard-TollFree-CarrierFeeCount", Counts: true, Parts: 1},
		{Account: "000000000001", UsageType: "CAN1-OutboundSMS-US-Standard-TollFree-CarrierFees", Amount: 1},
		{Account: customer, UsageType: "CAN1-OutboundSMS-GB-Standard-Shortcode-MessageCount", Counts: true, Parts: 7},
		{Account: customer, UsageType: "CAN1-OutboundSMS-GB-Standard-Shortcode-MessageFees", Amount: 273_000},
		{Account: customer, UsageType: "CAN1-OutboundSMS-GB-Standard-Simulator-MessageCount", Counts: true, Parts: 2},
		{Account: customer, UsageType: "CAN1-OutboundSMS-GB-Standard-Simulator-MessageFees"},
		{Account: customer, UsageType: "CAN1-OutboundSMS-US-Standard-10DLC-MessageCount", Counts: true, Parts: 10},
		{Account: customer, UsageType: "CAN1-OutboundSMS-US-Standard-10DLC-MessageFees", Amount: 64_500},
		{Account: customer, UsageType: "CAN1-OutboundSMS-US-Standard-10DLC-CarrierFeeCount", Counts: true, Parts: 10},
		{Account: customer, UsageType: "CAN1-OutboundSMS-US-Standard-10DLC-CarrierFees", Amount: 30_000},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every kind of route has its word, and so has every region of the guide's table.
func TestWordsOfUsageTypes(t *testing.T) {
	for route, want := range map[string]string{"TOLL_FREE": "TollFree", "TEN_DLC": "10DLC", "SHORT_CODE": "Shortcode", "LONG_CODE": "Longcode",
		"SENDER_ID": "Senderid", "SHARED_ROUTE": "Sharedroute", "SIMULATOR": "Simulator"} {
		if got := origination(route); got != want {
			t.Errorf("%s is %s, want %s", route, got, want)
		}
	}
	for _, route := range routes {
		if route != wildcard && origination(route) == route {
			t.Errorf("%s has no word", route)
		}
	}
	for region, want := range map[string]string{
		"ap-northeast-1": "APN1", "ap-northeast-2": "APN2", "ap-southeast-1": "APS1", "ap-southeast-2": "APS2", "ap-south-1": "APS3",
		"ca-central-1": "CAN1", "eu-central-1": "EUC1", "eu-west-1": "EU", "eu-west-2": "EUW2", "us-gov-west-1": "UGW1",
		"us-east-1": "USE1", "us-east-2": "USE2", "us-west-2": "USW2",
		"eu-west-3": "EUW3", "sa-east-1": "SAE1", "local": "LOCAL", "here--1": "HERE1", // which the table does not have
	} {
		if got := RegionCode(region); got != want {
			t.Errorf("%s is %s, want %s", region, got, want)
		}
	}
}

func TestSpends(t *testing.T) {
	used := func(account, channel, country string, s store.Sums) store.Usage {
		return store.Usage{UsageKey: store.UsageKey{Account: account, Month: "2026-11", Channel: channel, Country: country}, Sums: s}
	}
	rows := []store.Usage{
		used(customer, ChannelVoice, "GB", store.Sums{Parts: 1, Price: 5}),
		used(customer, ChannelText, "GB", store.Sums{Parts: 1, Price: 10}),
		used(customer, ChannelText, "US", store.Sums{Parts: 1, Price: 20, FeeParts: 1, Fee: 3}),
		used("000000000001", ChannelText, "US", store.Sums{Parts: 2}),
	}
	if diff := cmp.Diff([]Spend{{"000000000001", ChannelText, 0}, {customer, ChannelText, 33}, {customer, ChannelVoice, 5}}, Spends(rows)); diff != "" {
		t.Error(diff)
	}
	// At the start of a month an account has sent nothing, and has spent nothing.
	if diff := cmp.Diff([]Spend{{customer, ChannelText, 0}, {customer, ChannelVoice, 0}}, Spends(nil, customer)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Spend{{"000000000001", ChannelText, 0}, {"000000000001", ChannelVoice, 0}, {customer, ChannelText, 33}, {customer, ChannelVoice, 5}},
		Spends(rows, customer, "000000000001")); diff != "" {
		t.Error(diff)
	}
}
