package usage

import (
	"cmp"
	"slices"
	"strings"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Line is a usage type with what an account used of it in a month (guide chapter 13,
// "Understanding SMS billing and usage reports"). A usage type that counts has Parts,
// one of fees has Amount.
type Line struct {
	Account   string
	UsageType string // REGION-OutboundSMS-COUNTRY-Standard-ORIGINATION-MessageCount, or -MessageFees, -CarrierFeeCount, -CarrierFees
	Counts    bool
	Parts     int64
	Amount    sms.Money
}

// Report makes usage types of what was billed for text messages, in the order of the
// accounts and of the usage types' countries and routes. Those of carrier fees are there
// where there were any.
//
// MessageCount counts the parts of accepted messages: those too that cost nothing,
// because they are a simulator's or a first verification code, but none of messages
// that a protect configuration filtered, which are billed nothing.
func Report(region string, usage []store.Usage) []Line {
	usage = slices.Clone(usage)
	slices.SortStableFunc(usage, func(a, b store.Usage) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Country, b.Country), cmp.Compare(a.Route, b.Route))
	})
	var lines []Line
	for _, u := range usage {
		if u.Channel != ChannelText || u.Sums == (store.Sums{}) {
			continue
		}
		of := RegionCode(region) + "-OutboundSMS-" + u.Country + "-Standard-" + origination(u.Route) + "-"
		lines = append(lines, Line{Account: u.Account, UsageType: of + "MessageCount", Counts: true, Parts: u.Parts},
			Line{Account: u.Account, UsageType: of + "MessageFees", Amount: u.Price})
		if u.FeeParts > 0 || u.Fee > 0 {
			lines = append(lines, Line{Account: u.Account, UsageType: of + "CarrierFeeCount", Counts: true, Parts: u.FeeParts},
				Line{Account: u.Account, UsageType: of + "CarrierFees", Amount: u.Fee})
		}
	}
	return lines
}

// origination is what a usage type calls a kind of route (sms.Route.PriceKind). The
// guide has no word for the simulator's numbers.
func origination(route string) string {
	switch route {
	case string(sms.TollFree):
		return "TollFree"
	case string(sms.TenDLC):
		return "10DLC"
	case string(sms.ShortCode):
		return "Shortcode"
	case string(sms.LongCode):
		return "Longcode"
	case string(sms.IdentitySenderID):
		return "Senderid"
	case string(sms.IdentitySharedRoute):
		return "Sharedroute"
	case string(sms.Simulator):
		return "Simulator"
	}
	return route
}

// RegionCode begins the usage types of a region. For one that the guide's table does not
// have it is made as most of the table's are: eu-west-3 gives EUW3.
func RegionCode(region string) string {
	switch region {
	case "ap-northeast-1":
		return "APN1"
	case "ap-northeast-2":
		return "APN2"
	case "ap-southeast-1":
		return "APS1"
	case "ap-southeast-2":
		return "APS2"
	case "ap-south-1":
		return "APS3"
	case "ca-central-1":
		return "CAN1"
	case "eu-west-1":
		return "EU"
	case "us-gov-west-1":
		return "UGW1"
	}
	words := strings.Split(region, "-")
	if len(words) != 3 {
		return strings.ToUpper(strings.ReplaceAll(region, "-", ""))
	}
	return strings.ToUpper(words[0] + words[1][:min(1, len(words[1]))] + words[2])
}

// Spend is what an account has spent on a channel in a month.
type Spend struct {
	Account, Channel string
	Amount           sms.Money
}

// Spends adds up what was billed, by account and channel. Besides those that sent
// anything, whatever it cost, each of accounts has its spend on every channel: 0 where
// nothing was sent.
func Spends(usage []store.Usage, accounts ...string) []Spend {
	sums := map[[2]string]sms.Money{}
	for _, account := range accounts {
		for _, channel := range Channels {
			sums[[2]string{account, channel}] = 0
		}
	}
	for _, u := range usage {
		sums[[2]string{u.Account, u.Channel}] += u.Amount()
	}
	spends := make([]Spend, 0, len(sums))
	for of, amount := range sums {
		spends = append(spends, Spend{of[0], of[1], amount})
	}
	slices.SortFunc(spends, func(a, b Spend) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Channel, b.Channel))
	})
	return spends
}
