// Package usage knows what messages cost and what accounts have spent.
package usage

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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

// Book prices message parts by destination country and kind of route.
type Book struct{ prices map[[2]string]Price }

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

// ReadBook reads a CSV file with the columns country (ISO 3166-1 alpha-2 or *),
// route (a number type, SENDER_ID, SHARED_ROUTE or *), price_per_part and
// carrier_fee (USD a part). It must have a row for * and *, and no two for the
// same country and route. Errors name the line.
func ReadBook(r io.Reader) (*Book, error) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	rows.FieldsPerRecord = 4
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read price book: %w", err)
	}
	if got := strings.Join(header, ","); got != "country,route,price_per_part,carrier_fee" {
		return nil, fmt.Errorf("price book begins with %q, not with country,route,price_per_part,carrier_fee", got)
	}
	book := &Book{prices: map[[2]string]Price{}}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read price book: %w", err)
		}
		line, _ := rows.FieldPos(0)
		key := [2]string{row[0], row[1]}
		if err := checkKey(key); err != nil {
			return nil, fmt.Errorf("price book line %d, %w", line, err)
		}
		if _, twice := book.prices[key]; twice {
			return nil, fmt.Errorf("price book line %d: country %s and route %s have a row already", line, row[0], row[1])
		}
		var p Price
		if p.Part, err = sms.ParseMoney(row[2]); err != nil {
			return nil, fmt.Errorf("price book line %d, price_per_part: %w", line, err)
		}
		if p.CarrierFee, err = sms.ParseMoney(row[3]); err != nil {
			return nil, fmt.Errorf("price book line %d, carrier_fee: %w", line, err)
		}
		book.prices[key] = p
	}
	if _, ok := book.prices[[2]string{wildcard, wildcard}]; !ok {
		return nil, errors.New("price book has no row for country * and route *")
	}
	return book, nil
}

func checkKey(key [2]string) error {
	country, route := key[0], key[1]
	if country != wildcard && (len(country) != 2 || strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return fmt.Errorf("country: %q is neither two capital letters nor %s", country, wildcard)
	}
	if !slices.Contains(routes, route) {
		return fmt.Errorf("route: %q is none of %s", route, strings.Join(routes, ", "))
	}
	return nil
}

// Price looks a price up, the most exact row first: country and route, any
// country and route, country and any route, any of both.
func (b *Book) Price(country, route string) Price {
	for _, key := range [...][2]string{{country, route}, {wildcard, route}, {country, wildcard}} {
		if p, ok := b.prices[key]; ok {
			return p
		}
	}
	return b.prices[[2]string{wildcard, wildcard}]
}
