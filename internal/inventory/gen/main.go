// Command gen writes ranges.csv, the number ranges that package inventory takes
// simulated long codes from, out of the metadata of nyaruka/phonenumbers (Google's
// libphonenumber, Apache-2.0): the example mobile number of each country that
// offers long codes, without its last digits. Countries of the North American
// Numbering Plan are left out: they have numbers that nobody can own. Run it with go generate after an
// update of that module or of the country table.
package main

import (
	"encoding/csv"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// free is how many digits at the end of a number are drawn by lot.
const free = 6

func main() {
	log.SetFlags(0)
	f, err := os.Create("ranges.csv")
	if err != nil {
		log.Fatal(err)
	}
	w := csv.NewWriter(f)
	w.Write([]string{"iso2", "prefix", "free_digits"})
	for _, c := range numbering.Countries() {
		if !c.Offers(sms.LongCode) || strings.HasPrefix(c.CallingCodes()[0], "1") {
			continue
		}
		example := phonenumbers.GetExampleNumberForType(c.ISO2, phonenumbers.MOBILE)
		if example == nil {
			log.Fatalf("%s has no example number", c.ISO2)
		}
		e164 := phonenumbers.Format(example, phonenumbers.E164)
		w.Write([]string{c.ISO2, e164[:len(e164)-free], strconv.Itoa(free)})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}
