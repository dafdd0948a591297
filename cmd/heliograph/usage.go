package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"strings"

	"heliograph/internal/admin"
	"heliograph/internal/usage"
)

type usageCommand struct {
	Report usageReport `cmd:"" help:"Print what accounts used in a month, by the usage types of their bills."`
}

type usageReport struct {
	Month   string `placeholder:"MONTH" help:"For instance 2026-01 (UTC). Default: the present month."`
	Account string `placeholder:"ID" help:"Account that is reported on. Default: all."`
	Output  string `enum:"table,csv,json" default:"table" help:"How it is printed: table, csv or json."`
}

// Run prints the report.
func (c usageReport) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var report admin.UsageReport
	if err := server.call(s.ctx, "ReportUsage", admin.ReportUsageInput{Month: c.Month, Account: c.Account}, &report); err != nil {
		return err
	}
	return printUsage(s.out, report, c.Output)
}

func printUsage(w io.Writer, report admin.UsageReport, output string) error {
	switch output {
	case "json":
		return printDocument(w, report)
	case "csv":
		rows := csv.NewWriter(w)
		lines := [][]string{{"month", "account", "usage_type", "quantity", "unit"}}
		for _, l := range report.Lines {
			lines = append(lines, []string{report.Month, l.Account, l.UsageType, l.Quantity, l.Unit})
		}
		return rows.WriteAll(lines)
	}
	t := newTable(w)
	t.row("ACCOUNT", "USAGE TYPE", "QUANTITY", "UNIT")
	for _, l := range report.Lines {
		t.row(l.Account, l.UsageType, l.Quantity, l.Unit)
	}
	t.row("total", "of all fees in "+report.Month, report.Total, admin.UnitUSD)
	return t.flush()
}

type pricesCommand struct {
	Import importPrices `cmd:"" help:"Put a price book in force, at all nodes."`
	Show   showPrices   `cmd:"" help:"Print the price book that is in force."`
	Clear  clearPrices  `cmd:"" help:"Forget the imported price book: the configured one is in force again."`
}

type importPrices struct {
	File string `arg:"" help:"CSV file with the columns country, route, price_per_part, carrier_fee and maybe from; - reads standard input."`
}

// Run hands the file to the server, which reads it.
func (c importPrices) Run(s *session) error {
	file, err := c.read(s.in)
	if err != nil {
		return err
	}
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ImportPricesOutput
	if err := server.call(s.ctx, "ImportPrices", admin.ImportPricesInput{CSV: string(file)}, &out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d prices are in force\n", out.Rows)
	return err
}

// read gives the file, if it is not larger than a book may be.
func (c importPrices) read(in io.Reader) ([]byte, error) {
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	file, err := io.ReadAll(io.LimitReader(in, usage.MaxBook+1))
	if err != nil {
		return nil, fmt.Errorf("read the price book: %w", err)
	}
	if len(file) > usage.MaxBook {
		return nil, fmt.Errorf("the price book has more than %d octets, which is what is allowed at most", usage.MaxBook)
	}
	return file, nil
}

type showPrices struct {
	Country string `placeholder:"COUNTRY" help:"Only what can count for this country (ISO 3166-1 alpha-2)."`
	JSON    bool   `name:"json" help:"Print one JSON document."`
}

// Run prints the book.
func (c showPrices) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var book admin.PriceBook
	if err := server.call(s.ctx, "ShowPrices", admin.ShowPricesInput{Country: strings.ToUpper(c.Country)}, &book); err != nil {
		return err
	}
	if c.JSON {
		return printDocument(s.out, book)
	}
	t := newTable(s.out)
	t.row("COUNTRY", "ROUTE", "PRICE PER PART", "CARRIER FEE", "FROM")
	for _, r := range book.Rows {
		t.row(r.Country, r.Route, r.PricePerPart, r.CarrierFee, r.From)
	}
	return t.flush()
}

type clearPrices struct{}

// Run has the server forget the imported book.
func (clearPrices) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	return server.call(s.ctx, "ClearPrices", admin.ClearPricesInput{}, &admin.ClearPricesOutput{})
}
