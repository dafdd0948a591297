package inventory

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

//go:embed ranges.csv
var rangesCSV string

// numberRange is where simulated numbers of a country come from: a prefix in E.164
// format and the count of digits after it.
type numberRange struct {
	prefix string
	free   int
}

var ranges = loadRanges(rangesCSV)

// Area codes of the North American Numbering Plan. In each, the numbers 555-0100 to
// 555-0199 are set apart for fiction.
var (
	tollFreeCodes     = strings.Fields("800 833 844 855 866 877 888")
	unitedStatesCodes = strings.Fields("201 202 206 212 213 303 305 312 404 415 425 503 512 602 617 702 713 720 801 818 904 917")
	canadaCodes       = strings.Fields("204 226 236 250 289 306 403 416 418 431 437 438 450 506 514 519 587 604 613 647 705 778 780 902 905")
)

// drawings bound the search for a number that was not drawn before. Only a range
// that is nearly used up needs more than a few.
const drawings = 1000

// Offered reports whether the simulated inventory has numbers as wanted: of the
// types and countries that the guide's tables allow, for SMS and VOICE. Short codes
// cannot be requested.
func Offered(w Wanted) bool {
	country, ok := numbering.Lookup(w.Country)
	if !ok || w.Type == sms.ShortCode || !country.Offers(w.Type) {
		return false
	}
	return hasAll([]sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice}, w.Capabilities)
}

// Simulate draws a number that never was in the inventory, for the simulator. ok is
// false where Offered is, or where no number is left. An error is one of random.
func Simulate(tx *resources.Tx, w Wanted, random io.Reader) (n sms.InventoryNumber, ok bool, err error) {
	if !Offered(w) {
		return sms.InventoryNumber{}, false, nil
	}
	country, _ := numbering.Lookup(w.Country)
	for i := range drawings {
		number, err := draw(w, i, random)
		if err != nil {
			return sms.InventoryNumber{}, false, err
		}
		if _, _, taken := numbering.Simulator(number); taken || tx.InventoryNumbers.Get(number) != nil {
			continue
		}
		return sms.InventoryNumber{
			Number: number, Country: w.Country, Type: w.Type, Capabilities: []sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice},
			Carrier: SimulatorCarrier, TwoWay: country.TwoWay, AddedAt: tx.Now,
		}, true, nil
	}
	return sms.InventoryNumber{}, false, nil
}

// draw draws one number, in the attempt of this number.
func draw(w Wanted, attempt int, random io.Reader) (string, error) {
	codes := areaCodes(w)
	if codes == nil {
		r := ranges[w.Country]
		return drawDigits(r.prefix, r.free, random)
	}
	i, err := below(len(codes), random)
	if err != nil {
		return "", err
	}
	if attempt < drawings/2 {
		return drawDigits("+1"+codes[i]+"55501", 2, random)
	}
	return drawDigits("+1"+codes[i]+"2", 6, random)
}

func areaCodes(w Wanted) []string {
	switch {
	case w.Type == sms.TollFree:
		return tollFreeCodes
	case w.Country == "US":
		return unitedStatesCodes
	case w.Country == "CA":
		return canadaCodes
	}
	return nil
}

func drawDigits(prefix string, count int, random io.Reader) (string, error) {
	number := []byte(prefix)
	for range count {
		d, err := below(10, random)
		if err != nil {
			return "", err
		}
		number = append(number, byte('0'+d))
	}
	return string(number), nil
}

// below draws a number from 0 to n-1, n at most 256, all equally likely.
func below(n int, random io.Reader) (int, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, fmt.Errorf("draw a phone number: %w", err)
		}
		if v := int(b[0]); v < 256/n*n {
			return v % n, nil
		}
	}
}

// loadRanges reads the embedded table. One that does not load is a mistake in the
// build.
func loadRanges(table string) map[string]numberRange {
	rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
	if err != nil {
		panic(fmt.Sprintf("inventory: embedded table: %v", err))
	}
	loaded := map[string]numberRange{}
	for _, row := range rows[1:] {
		free, err := strconv.Atoi(row[2])
		if err != nil {
			panic(fmt.Sprintf("inventory: embedded table: %v", err))
		}
		loaded[row[0]] = numberRange{prefix: row[1], free: free}
	}
	return loaded
}
