// Command gen writes calling_codes.csv and prefixes.csv, the numbering plan that
// package numbering embeds, from the metadata of nyaruka/phonenumbers (Google's
// libphonenumber, Apache-2.0). Run it with go generate after an update of that
// module.
//
// Where several regions share a calling code, the library tells them apart by
// trying one regular expression after the other on the whole number. Here the
// same expressions are run digit by digit until one region is left, which gives
// the prefixes by which a number's region can be looked up.
package main

import (
	"cmp"
	"encoding/csv"
	"log"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// nonGeographic is the library's region of calling codes that no country has.
const nonGeographic = "001"

// fold gives the code that the country table uses, for regions that it knows by
// another code or as a part of a larger one.
var fold = map[string]string{
	"XK":          "XV", // Kosovo, by the code of the guide
	"BQ":          "AN", // the former Netherlands Antilles share 599
	"CW":          "AN",
	"AX":          "FI",
	"BL":          "GP",
	"MF":          "GP",
	"CC":          "AU",
	"CX":          "AU",
	"EH":          "MA",
	"SJ":          "NO",
	"TA":          "SH",
	"VA":          "IT",
	nonGeographic: "",
}

func folded(region string) string {
	if f, ok := fold[region]; ok {
		return f
	}
	return region
}

func main() {
	log.SetFlags(0)
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		log.Fatal(err)
	}
	regions := map[string]*phonenumbers.PhoneMetadata{}
	for _, m := range collection.GetMetadata() {
		key := m.GetId()
		if key == nonGeographic {
			key += strconv.Itoa(int(m.GetCountryCode()))
		}
		regions[key] = m
	}
	var codes, prefixes [][]string
	for code := range phonenumbers.GetSupportedCallingCodes() {
		digits := strconv.Itoa(code)
		ids := phonenumbers.GetRegionCodesForCountryCode(code)
		var members []*member
		for _, id := range ids {
			key := id
			if id == nonGeographic {
				key += digits
			}
			members = append(members, newMember(folded(id), regions[key]))
		}
		main := members[0]
		codes = append(codes, []string{digits, main.country, main.lengths(), afterZero(members)})
		if len(members) > 1 {
			for prefix, country := range split(members, main.country) {
				prefixes = append(prefixes, []string{digits + prefix, country})
			}
		}
	}
	write("calling_codes.csv", []string{"calling_code", "country", "national_lengths", "after_zero"}, codes)
	write("prefixes.csv", []string{"prefix", "country"}, prefixes)
}

// afterZero gives the digits that may follow a zero at the beginning of a
// national number; none means that such a zero is a trunk prefix.
func afterZero(members []*member) string {
	digits := ""
	for d := '0'; d <= '9'; d++ {
		for _, m := range members {
			if _, alive := m.start().step('0').step(d).open(); alive {
				digits += string(d)
				break
			}
		}
	}
	return digits
}

func write(name string, header []string, rows [][]string) {
	slices.SortFunc(rows, func(a, b []string) int {
		return cmp.Compare(strings.Join(a, ","), strings.Join(b, ","))
	})
	f, err := os.Create(name)
	if err != nil {
		log.Fatal(err)
	}
	w := csv.NewWriter(f)
	err = w.WriteAll(append([][]string{header}, rows...))
	if err := cmp.Or(err, f.Close()); err != nil {
		log.Fatal(err)
	}
}
