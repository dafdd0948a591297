package usage

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

const header = "country,route,price_per_part,carrier_fee\n"

func read(t *testing.T, rows string) *Book {
	t.Helper()
	book, err := ReadBook(strings.NewReader(header + rows))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestPriceTakesTheMostExactRow(t *testing.T) {
	book := read(t, `# comments and blank lines are passed over

*,*,0.09,0
US,*,0.007,0.003
US,SHORT_CODE,0.005,0.004
*,SENDER_ID,0.03,0
GB,SENDER_ID,.02,0
`)
	for _, c := range []struct {
		country, route string
		part, fee      sms.Money
	}{
		{"US", "SHORT_CODE", 5_000, 4_000},
		{"US", "TEN_DLC", 7_000, 3_000},
		{"US", "SENDER_ID", 30_000, 0},
		{"GB", "SENDER_ID", 20_000, 0},
		{"GB", "LONG_CODE", 90_000, 0},
		{"", "", 90_000, 0},
	} {
		if got := book.Price(c.country, c.route, november); got != (Price{c.part, c.fee}) {
			t.Errorf("%s %s costs %+v", c.country, c.route, got)
		}
	}
}

// Of the rows of a country and route the newest that is not in the future counts.
func TestPricesFromADay(t *testing.T) {
	book, err := ReadBook(strings.NewReader(dated + `
*,*,0.09,0,
US,*,0.03,0.01,2026-12-01
US,*,0.01,0,
US,*,0.02,0,2026-06-15
GB,*,0.05,0,2026-06-15
US,TEN_DLC,0.007,0,2027-01-01
`))
	if err != nil {
		t.Fatal(err)
	}
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		at, country string
		want        Price
	}{
		{"2020-01-01 00:00:00", "US", Price{10_000, 0}},
		{"2026-06-14 23:59:59", "US", Price{10_000, 0}},
		{"2026-06-15 00:00:00", "US", Price{20_000, 0}},
		{"2026-11-30 23:59:59", "US", Price{20_000, 0}},
		{"2026-12-01 00:00:00", "US", Price{30_000, 10_000}},
		{"2027-01-01 00:00:00", "US", Price{7_000, 0}},
		{"2026-06-14 23:59:59", "GB", Price{90_000, 0}}, // not begun: the row for the rest
		{"2026-06-15 00:00:00", "GB", Price{50_000, 0}},
	} {
		if got := book.Price(c.country, string(sms.TenDLC), day(c.at)); got != c.want {
			t.Errorf("%s at %s costs %+v, want %+v", c.country, c.at, got, c.want)
		}
	}
	// A day is one of UTC.
	if got := book.Price("US", wildcard, day("2026-12-01 03:00:00").In(time.FixedZone("", -5*3600))); got.Part != 30_000 {
		t.Errorf("at 22:00 of the day before in New York: %+v", got)
	}
	if rows := book.Rows("US"); len(rows) != 5 || rows[0].Country != "*" || rows[1].From.IsZero() != true || rows[2].From != day("2026-06-15 00:00:00") || rows[4].Route != "TEN_DLC" {
		t.Errorf("rows that can count for the US: %+v", rows)
	}
	if rows := book.Rows(""); len(rows) != 6 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestReadBookRefuses(t *testing.T) {
	for name, c := range map[string]struct{ book, says string }{
		"nothing":              {"", "read price book"},
		"another header":       {"country,route,price\n", "begins with"},
		"columns turned round": {"route,country,price_per_part,carrier_fee\n*,*,1,0\n", "begins with"},
		"no row for the rest":  {header + "US,*,1,0\n", "no row for country * and route *"},
		"header only":          {header, "no row for country * and route *"},
		"too few columns":      {header + "*,*,1,0\nUS,*,1\n", "line 3"},
		"too many columns":     {header + "*,*,1,0,0\n", "line 2"},
		"no price":             {header + "*,*,,0\n", "line 2, price_per_part"},
		"a price in words":     {header + "# from\n*,*,free,0\n", "line 3, price_per_part"},
		"a negative price":     {header + "*,*,-0.01,0\n", "line 2, price_per_part"},
		"seven decimals":       {header + "*,*,0.0000001,0\n", "line 2, price_per_part"},
		"no carrier fee":       {header + "*,*,0,\n", "line 2, carrier_fee"},
		"a currency":           {header + "*,*,0.1,$1\n", "line 2, carrier_fee"},
		"a country in words":   {header + "*,*,0,0\nGermany,*,1,0\n", `line 3, country: "Germany"`},
		"a country in lower":   {header + "*,*,0,0\nus,*,1,0\n", `line 3, country: "us"`},
		"no country":           {header + "*,*,0,0\n,*,1,0\n", `line 3, country: ""`},
		"an unknown route":     {header + "*,*,0,0\nUS,LONGCODE,1,0\n", `line 3, route: "LONGCODE"`},
		"a row twice":          {header + "*,*,0,0\nUS,*,1,0\nUS,*,2,0\n", "line 4, country US and route * have a row already"},
		"a day that is none":   {dated + "\n*,*,0,0,\nUS,*,1,0,2026-02-30\n", `line 3, from: "2026-02-30"`},
		"a time of a day":      {dated + "\n*,*,0,0,\nUS,*,1,0,2026-02-01T00:00\n", `line 3, from: "2026-02-01T00:00"`},
		"a day twice":          {dated + "\n*,*,0,0,\nUS,*,1,0,2026-02-01\nUS,*,2,0,2026-02-01\n", "line 4, country US"},
		"a rest that begins":   {dated + "\n*,*,0,0,2026-02-01\n", "no row for country * and route *"},
		"a sixth column":       {dated + ",to\n*,*,0,0,,\n", "begins with"},
		"no fifth column":      {dated + "\n*,*,0,0\n", "line 2"},
		"a quote left open":    {header + "*,*,0,0\n\"US,*,1,0\n", "read price book"},
	} {
		book, err := ReadBook(strings.NewReader(c.book))
		if err == nil || book != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want it to say %q", name, err, c.says)
		}
	}
	if _, err := ReadBook(io.MultiReader(strings.NewReader(header), iotest.ErrReader(io.ErrUnexpectedEOF))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that cannot be read to its end: %v", err)
	}
}

func TestDefaultBook(t *testing.T) {
	book := DefaultBook()
	for _, c := range numbering.Countries() {
		if got := book.Price(c.ISO2, string(sms.Simulator), november); got != (Price{}) {
			t.Errorf("the simulator costs %+v in %s", got, c.ISO2)
		}
		if got := book.Price(c.ISO2, string(sms.LongCode), november); got.Part <= 0 || got.Part > sms.USD || got.CarrierFee < 0 {
			t.Errorf("a part to %s costs %+v", c.ISO2, got)
		}
	}
	if got := book.Price("US", string(sms.TenDLC), november); got != (Price{6_450, 3_000}) {
		t.Errorf("a part to the United States costs %+v", got)
	}
}

func FuzzReadBook(f *testing.F) {
	f.Add(header + "*,*,0.1,0\nUS,TEN_DLC,.00645,.003\n")
	f.Add(header + "# note\n*,*,1,0\n\n\"GB\",SENDER_ID,99,0.000001\n")
	f.Add("country,route")
	f.Add(dated + "\n*,*,1,0,\nUS,*,2,0,2026-01-01\nUS,*,3,0,9999-12-31\n")
	f.Fuzz(func(t *testing.T, text string) {
		book, err := ReadBook(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, route := range routes {
			if p := book.Price("US", route, november); p.Part < 0 || p.CarrierFee < 0 {
				t.Fatalf("%s costs %+v", route, p)
			}
		}
	})
}
