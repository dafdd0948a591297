package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"heliograph/internal/admin"
	"heliograph/internal/deactivation"
)

type deactivationsCommand struct {
	Import importDeactivations `cmd:"" help:"Put the phone numbers of a CSV file into the deactivation reports of a day."`
	List   listDeactivations   `cmd:"" help:"List the deactivation reports."`
}

type importDeactivations struct {
	File string `arg:"" help:"CSV file with a phone number in E.164 format in the first column; - reads standard input."`
	Day  string `placeholder:"DATE" help:"Day of the reports, for instance 2023-09-28. Default: today (UTC)."`
	JSON bool   `name:"json" help:"Print one JSON document."`
}

// deactivationBlock is how many numbers one request carries.
const deactivationBlock = 10_000

// Run imports the file in blocks.
func (c importDeactivations) Run(s *session) error {
	numbers, err := c.read(s.in)
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
	var total deactivation.Added
	for start := 0; start < len(numbers); start += deactivationBlock {
		end := min(start+deactivationBlock, len(numbers))
		var done deactivation.Added
		if err := server.call(s.ctx, "ImportDeactivations", admin.ImportDeactivationsInput{Day: c.Day, Numbers: numbers[start:end]}, &done); err != nil {
			return fmt.Errorf("numbers %d to %d of %s: %w; those before are imported", start+1, end, c.File, err)
		}
		total.Added += done.Added
		total.Known += done.Known
		total.Reports = max(total.Reports, done.Reports)
	}
	if c.JSON {
		return printDocument(s.out, total)
	}
	_, err = fmt.Fprintf(s.out, "%d added, %d were there already\n", total.Added, total.Known)
	return err
}

func (c importDeactivations) read(stdin io.Reader) ([]string, error) {
	if c.File == "-" {
		return admin.ReadDeactivations(stdin)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	numbers, err := admin.ReadDeactivations(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	return numbers, nil
}

type listDeactivations struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run prints the reports.
func (c listDeactivations) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.ListDeactivationsOutput
	if err := server.call(s.ctx, "ListDeactivations", admin.ListDeactivationsInput{}, &out); err != nil {
		return err
	}
	t := newTable(s.out)
	if !c.JSON {
		t.row("COUNTRY", "DAY", "NUMBERS", "BYTES", "CHANGED")
	}
	for _, r := range out.Reports {
		if c.JSON {
			if err := printLine(s.out, r); err != nil {
				return err
			}
			continue
		}
		t.row(r.Country, r.Day, strconv.FormatInt(r.Numbers, 10), strconv.FormatInt(r.Bytes, 10), r.Changed.Format("2006-01-02 15:04:05"))
	}
	return t.flush()
}
