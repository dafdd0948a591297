// Package usage knows what messages cost and what accounts have spent.
package usage

import (
	"cmp"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"heliograph/internal/sms"
)

// wildcard stands for every country, or every route, in the book.
const wildcard = "*"

// routes are what a price can differ by, as sms.Route.PriceKind names them.
var routes = []string{string(sms.ShortCode), string(sms.LongCode), string(sms.TollFree), string(sms.TenDLC), string(sms.Simulator),
	string(sms.IdentitySenderID), string(sms.IdentitySharedRoute), wildcard}

// Price is what one message part costs, in USD.
type Price struct {
	Part       sms.Money
	CarrierFee sms.Money
}

// Book prices message parts by destination country and kind of route, from days on.
type Book struct {
	prices map[[2]string][]Row // the newest first
	rows   int
}

// Row is a line of a price book.
type Row struct {
	Country string // ISO 3166-1 alpha-2, or *
	Route   string // as sms.Route.PriceKind names it, or *
	Price
	From time.Time // the day (UTC) from which on it holds; zero: always
}

//go:embed prices.csv
var builtIn string

// DefaultBook is the built-in book. Its figures are examples to build against;
// an operator puts the prices of its carrier contracts in its place.
func DefaultBook() *Book {
	book, err := ReadBook(strings.NewReader(builtIn))
	if err != nil {
		panic(fmt.Sprintf("built-in price book: %v", err)) // covered by a test
	}
	return book
}

// columns of a price book; the last one may be left out.
const (
	columns = "country,route,price_per_part,carrier_fee"
	dated   = columns + ",from"
)

// ReadBook reads a CSV file with the columns country (ISO 3166-1 alpha-2 or *),
// route (a number type, SENDER_ID, SHARED_ROUTE or *), price_per_part and
// carrier_fee (USD a part), and maybe from: the day (2006-01-02, UTC) from which on
// the row holds, empty for one that always did. It must have a row for * and *
// without a day, and no two for the same country, route and day. Errors name the line.
func ReadBook(r io.Reader) (*Book, error) {
	lines := csv.NewReader(r)
	lines.Comment = '#'
	header, err := lines.Read()
	if err != nil {
		return nil, fmt.Errorf("read price book: %w", err)
	}
	if got := strings.Join(header, ","); got != columns && got != dated {
		return nil, fmt.Errorf("price book begins with %q, not with %s, and maybe from", got, columns)
	}
	book := &Book{prices: map[[2]string][]Row{}}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read price book: %w", err)
		}
		line, _ := lines.FieldPos(0)
		row, err := readRow(fields)
		if err == nil {
			err = book.add(row)
		}
		if err != nil {
			return nil, fmt.Errorf("price book line %d, %w", line, err)
		}
	}
	if rest := book.prices[[2]string{wildcard, wildcard}]; len(rest) == 0 || !rest[len(rest)-1].From.IsZero() {
		return nil, errors.New("price book has no row for country * and route * that holds from the start")
	}
	return book, nil
}

func readRow(fields []string) (row Row, err error) {
	row = Row{Country: fields[0], Route: fields[1]}
	if err := checkKey(row.Country, row.Route); err != nil {
		return Row{}, err
	}
	if row.Part, err = sms.ParseMoney(fields[2]); err != nil {
		return Row{}, fmt.Errorf("price_per_part: %w", err)
	}
	if row.CarrierFee, err = sms.ParseMoney(fields[3]); err != nil {
		return Row{}, fmt.Errorf("carrier_fee: %w", err)
	}
	if len(fields) > 4 && fields[4] != "" {
		if row.From, err = time.Parse(time.DateOnly, fields[4]); err != nil {
			return Row{}, fmt.Errorf("from: %q is not a day such as 2026-01-31", fields[4])
		}
	}
	return row, nil
}

func (b *Book) add(row Row) error {
	key := [2]string{row.Country, row.Route}
	of := b.prices[key]
	at, twice := slices.BinarySearchFunc(of, row.From, func(r Row, from time.Time) int { return from.Compare(r.From) })
	if twice {
		return fmt.Errorf("country %s and route %s have a row already for that day", row.Country, row.Route)
	}
	b.prices[key] = slices.Insert(of, at, row)
	b.rows++
	return nil
}

func checkKey(country, route string) error {
	if country != wildcard && (len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return fmt.Errorf("country: %q is neither two capital letters nor %s", country, wildcard)
	}
	if !slices.Contains(routes, route) {
		return fmt.Errorf("route: %q is none of %s", route, strings.Join(routes, ", "))
	}
	return nil
}

// Price looks up what a part costs at a time, the most exact row first: country and
// route, any country and route, country and any route, any of both. Of the rows of
// one country and route the newest that has begun counts, and before the first has
// begun it is as if there were none.
func (b *Book) Price(country, route string, at time.Time) Price {
	for _, key := range [...][2]string{{country, route}, {wildcard, route}, {country, wildcard}, {wildcard, wildcard}} {
		for _, row := range b.prices[key] {
			if !at.Before(row.From) {
				return row.Price
			}
		}
	}
	return Price{} // there is a row that always holds
}

// Rows are the book's, by country, route and day; only those that can count for
// messages to a country where one is given.
func (b *Book) Rows(country string) []Row {
	rows := make([]Row, 0, b.rows)
	for _, of := range b.prices {
		for _, row := range of {
			if country == "" || row.Country == country || row.Country == wildcard {
				rows = append(rows, row)
			}
		}
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Country, b.Country), cmp.Compare(a.Route, b.Route), a.From.Compare(b.From))
	})
	return rows
}
