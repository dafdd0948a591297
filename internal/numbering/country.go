package numbering

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed countries.csv
var countriesCSV string

var countries = mustLoad(loadCountries(countriesCSV))

// LongCodes says what long codes of a country can do.
type LongCodes string

const (
	LongCodesNo          LongCodes = "No"
	LongCodesYes         LongCodes = "Yes"
	LongCodesReceiveOnly LongCodes = "ReceiveOnly" // they take messages and send none
)

// SenderIDs says whether messages to a country can come from a sender id.
type SenderIDs string

const (
	SenderIDsNo                   SenderIDs = "No"
	SenderIDsYes                  SenderIDs = "Yes"
	SenderIDsRegistrationRequired SenderIDs = "RegistrationRequired"
)

// Sender ids that are shown in place of the sender's own.
const (
	SharedSenderID     = "NOTICE"      // on shared routes, and for unregistered ones
	LikelyScamSenderID = "LIKELY-SCAM" // for unregistered ones in Singapore
)

// Country is a country or territory that messages can be sent to.
type Country struct {
	ISO2 string // ISO 3166-1 alpha-2, or the guide's code (XV, AN)
	Name string // in English

	callingCodes string

	ShortCodes bool
	LongCodes  LongCodes
	SenderIDs  SenderIDs
	TwoWay     bool // messages can be received from it

	// SharedRoutes is false where only an identity of the account's own can
	// send: the United States and China.
	SharedRoutes bool

	// UnregisteredSenderID is what recipients see in place of a sender id that
	// is not registered: NOTICE, LIKELY-SCAM, or empty where it is shown as it
	// is or where no sender id is ever shown.
	UnregisteredSenderID string

	// SenderIDLength is the exact length of the country's sender ids, 0 where
	// only the general rule holds.
	SenderIDLength int
}

// SharedSenderID is the sender id that a shared route shows in the country:
// NOTICE, or empty where sender ids are not supported and a number that the
// carrier picks is shown.
func (c Country) SharedSenderID() string {
	if !c.SharedRoutes || c.SenderIDs == SenderIDsNo {
		return ""
	}
	return SharedSenderID
}

// CallingCodes lists the country's calling codes as digits, with the area code
// where that tells the country: "1264".
func (c Country) CallingCodes() []string {
	return strings.Fields(c.callingCodes)
}

// Countries lists all countries that are served, by name.
func Countries() []Country {
	return slices.Clone(countries.list)
}

// Lookup gives a country by its ISO code in capitals. It reports false for one
// that is not served.
func Lookup(iso string) (Country, bool) {
	i, ok := countries.byISO[iso]
	if !ok {
		return Country{}, false
	}
	return countries.list[i], true
}

type countryTable struct {
	list  []Country
	byISO map[string]int
}

func loadCountries(table string) (countryTable, error) {
	t := countryTable{byISO: map[string]int{}}
	err := eachRow(table, func(row []string) error {
		c := Country{
			ISO2:                 row[0],
			Name:                 row[1],
			callingCodes:         strings.ReplaceAll(row[2], "-", ""),
			ShortCodes:           row[3] == "Yes",
			LongCodes:            LongCodes(row[4]),
			SenderIDs:            SenderIDs(row[5]),
			TwoWay:               row[6] == "Yes",
			SharedRoutes:         row[7] == "Yes",
			UnregisteredSenderID: row[8],
		}
		if row[9] != "" {
			n, err := strconv.Atoi(row[9])
			if err != nil {
				return err
			}
			c.SenderIDLength = n
		}
		if _, twice := t.byISO[c.ISO2]; twice {
			return fmt.Errorf("%s is there twice", c.ISO2)
		}
		t.byISO[c.ISO2] = len(t.list)
		t.list = append(t.list, c)
		return nil
	})
	return t, err
}
