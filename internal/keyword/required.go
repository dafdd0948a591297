package keyword

import (
	"cmp"
	"slices"

	"heliograph/internal/sms"
)

// The two keywords that every phone number has.
const (
	Help = "HELP"
	Stop = "STOP"
)

// The messages that required keywords are answered with until others are put.
const (
	helpMessage = "For help, please contact the sender of these messages. Reply STOP to receive no more of them."
	stopMessage = "You are opted out and will receive no more of these messages. Reply HELP for help."
)

// optOuts are the opt-out keywords that are required besides STOP (guide, "Required
// opt-out keywords").
var optOuts = [...]string{"ARRET", "CANCEL", "END", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "TD", "UNSUBSCRIBE"}

// Required are the keywords that numbers of these types have from the start, in
// alphabetical order. Toll-free numbers have HELP and STOP alone.
func Required(types ...sms.NumberType) []sms.Keyword {
	set := []sms.Keyword{{Keyword: Help, Message: helpMessage, Action: sms.AutomaticResponse}, {Keyword: Stop, Message: stopMessage, Action: sms.OptOut}}
	if !onlyTollFree(types) {
		for _, word := range optOuts {
			set = append(set, sms.Keyword{Keyword: word, Message: stopMessage, Action: sms.OptOut})
		}
	}
	slices.SortFunc(set, byKeyword)
	return set
}

// Effective are all keywords of an identity, in alphabetical order: those that are
// required, and over them its own.
func Effective(own []sms.Keyword, types ...sms.NumberType) []sms.Keyword {
	set := slices.Clone(own)
	for _, k := range Required(types...) {
		if _, edited := Find(own, k.Keyword); !edited {
			set = append(set, k)
		}
	}
	slices.SortFunc(set, byKeyword)
	return set
}

// OfNumber are the keywords of an identity that count for one of its numbers, and those
// of them that are required; types are of all its numbers. A toll-free number of a pool
// has no opt-out keyword but STOP, whatever the pool's other numbers have.
func OfNumber(own []sms.Keyword, number sms.NumberType, types ...sms.NumberType) (effective, required []sms.Keyword) {
	if number != sms.TollFree {
		return Effective(own, types...), Required(types...)
	}
	own = slices.DeleteFunc(slices.Clone(own), func(k sms.Keyword) bool { return k.Action == sms.OptOut && k.Keyword != Stop })
	return Effective(own, number), Required(number)
}

// AnsweredByCarrier reports whether a keyword that a number of this type got is answered
// by its carrier, and so not by the service: STOP of toll-free numbers (guide, "Required
// opt-out keywords"). The opt-out takes place here all the same.
func AnsweredByCarrier(keyword string, number sms.NumberType) bool {
	return keyword == Stop && number == sms.TollFree
}

// Find is the keyword of a set with this canonical form.
func Find(set []sms.Keyword, keyword string) (sms.Keyword, bool) {
	i := slices.IndexFunc(set, func(k sms.Keyword) bool { return k.Keyword == keyword })
	if i < 0 {
		return sms.Keyword{}, false
	}
	return set[i], true
}

// Same reports whether two identities were given the same keywords of their own, in
// whatever order.
func Same(a, b []sms.Keyword) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, byKeyword)
	slices.SortFunc(b, byKeyword)
	return slices.Equal(a, b)
}

func byKeyword(a, b sms.Keyword) int { return cmp.Compare(a.Keyword, b.Keyword) }

func onlyTollFree(types []sms.NumberType) bool {
	return len(types) > 0 && !slices.ContainsFunc(types, func(t sms.NumberType) bool { return t != sms.TollFree })
}
