package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"heliograph/internal/admin"
)

type numbersCommand struct {
	Import   importNumbers  `cmd:"" help:"Put the phone numbers of a CSV file into the inventory."`
	List     listNumbers    `cmd:"" help:"List the inventory."`
	Assign   assignNumber   `cmd:"" help:"Give a phone number of the inventory to an account."`
	Activate activateNumber `cmd:"" help:"Take a phone number out of PENDING, in place of a registration."`
}

type importNumbers struct {
	File string `arg:"" help:"CSV file with the columns number, country, type and, if wanted, capabilities, carrier, parts_per_second, two_way; - reads standard input."`
	JSON bool   `name:"json" help:"Print one JSON document."`
}

// block is how many numbers one request carries: its body stays below the
// server's limit.
const block = 2000

// Run imports the file in blocks, each wholly or not at all.
func (c importNumbers) Run(s *session) error {
	numbers, err := readNumbers(c.File, s.in)
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		return fmt.Errorf("%s: there are no numbers in it", c.File)
	}
	server, err := s.client()
	if err != nil {
		return err
	}
	var total admin.Imported
	for start := 0; start < len(numbers); start += block {
		end := min(start+block, len(numbers))
		var done admin.Imported
		if err := server.call(s.ctx, "ImportNumbers", admin.ImportNumbersInput{Numbers: numbers[start:end]}, &done); err != nil {
			if len(numbers) > block {
				return fmt.Errorf("numbers %d to %d of %s: %w; those before are imported", start+1, end, c.File, err)
			}
			return fmt.Errorf("%s: %w; nothing is imported", c.File, err)
		}
		total.Added += done.Added
		total.Changed += done.Changed
		total.Unchanged += done.Unchanged
		total.Retired += done.Retired
	}
	if c.JSON {
		return printDocument(s.out, total)
	}
	_, err = fmt.Fprintf(s.out, "%d added, %d changed, %d unchanged, %d retired and left alone\n", total.Added, total.Changed, total.Unchanged, total.Retired)
	return err
}

func readNumbers(path string, stdin io.Reader) ([]admin.Number, error) {
	if path == "-" {
		return admin.ReadNumbers(stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	numbers, err := admin.ReadNumbers(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return numbers, nil
}

type listNumbers struct {
	Account string `placeholder:"ID" help:"Only those leased by this account."`
	Country string `placeholder:"CODE" help:"Only those of this country (ISO 3166-1 alpha-2)."`
	Type    string `placeholder:"TYPE" help:"Only those of this type, for instance LONG_CODE."`
	State   string `placeholder:"STATE" help:"Only those that are free, leased or retired."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints the numbers page by page.
func (c listNumbers) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	t := newTable(s.out)
	if !c.JSON {
		t.row("NUMBER", "COUNTRY", "TYPE", "CAPABILITIES", "CARRIER", "STATE", "STATUS", "ACCOUNT", "PHONE NUMBER ID")
	}
	in := admin.ListNumbersInput{Account: c.Account, Country: c.Country, Type: c.Type, State: c.State}
	for {
		var page admin.ListNumbersOutput
		if err := server.call(s.ctx, "ListNumbers", in, &page); err != nil {
			return err
		}
		for _, n := range page.Numbers {
			if c.JSON {
				if err := printLine(s.out, n); err != nil {
					return err
				}
				continue
			}
			l := leaseOf(n)
			t.row(n.Number, n.Country, n.Type, strings.Join(n.Capabilities, ","), n.Carrier, n.State, l.Status, l.Account, l.PhoneNumberID)
		}
		if in.After = page.Next; in.After == "" {
			break
		}
	}
	return t.flush()
}

func leaseOf(n admin.Number) admin.Lease {
	if n.Lease == nil {
		return admin.Lease{}
	}
	return *n.Lease
}

type assignNumber struct {
	Number      string `arg:"" help:"Phone number in E.164 format, or short code."`
	Account     string `placeholder:"ID" help:"Account that gets it. Default: the first account."`
	MessageType string `placeholder:"TYPE" help:"TRANSACTIONAL, the default, or PROMOTIONAL."`
	JSON        bool   `name:"json" help:"Print one JSON document."`
}

// Run leases the number.
func (c assignNumber) Run(s *session) error {
	return changeNumber(s, "AssignNumber", admin.AssignNumberInput{Number: c.Number, Account: c.Account, MessageType: c.MessageType}, c.JSON)
}

type activateNumber struct {
	Number string `arg:"" help:"Phone number, or its phone number id."`
	JSON   bool   `name:"json" help:"Print one JSON document."`
}

// Run activates the number.
func (c activateNumber) Run(s *session) error {
	return changeNumber(s, "ActivateNumber", admin.ActivateNumberInput{Number: c.Number}, c.JSON)
}

func changeNumber(s *session, operation string, in any, asJSON bool) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var n admin.Number
	if err := server.call(s.ctx, operation, in, &n); err != nil {
		return err
	}
	if asJSON {
		return printDocument(s.out, n)
	}
	if n.Lease == nil {
		return errors.New("the number was released meanwhile")
	}
	t := newTable(s.out)
	t.row("number", n.Number)
	t.row("type", n.Type+" of "+n.Country)
	t.row("account", n.Lease.Account)
	t.row("phone number id", n.Lease.PhoneNumberID)
	t.row("status", n.Lease.Status)
	t.row("message type", n.Lease.MessageType)
	t.row("carrier", n.Carrier)
	t.row("parts per second", strconv.FormatFloat(n.Lease.PartsPerSecond, 'g', -1, 64))
	return t.flush()
}
