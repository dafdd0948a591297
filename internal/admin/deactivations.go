package admin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/deactivation"
	"heliograph/internal/sms"
)

// ImportDeactivationsInput names phone numbers that are out of service, at most 10,000,
// to put into the reports of a day; empty is today (UTC).
type ImportDeactivationsInput struct {
	Day     string   `json:"day,omitempty"`
	Numbers []string `json:"numbers"`
}

// maxDeactivations bounds one request.
const maxDeactivations = 10_000

// DeactivationReport is a report that there is.
type DeactivationReport struct {
	Country string    `json:"country"`
	Day     string    `json:"day"`
	Numbers int64     `json:"numbers"`
	Bytes   int64     `json:"bytes"`
	Changed time.Time `json:"changed"`
}

// ListDeactivationsInput has no members.
type ListDeactivationsInput struct{}

// ListDeactivationsOutput are the reports, by country and day.
type ListDeactivationsOutput struct {
	Reports []DeactivationReport `json:"reports"`
}

// Deactivations are the operations on deactivation reports.
func Deactivations(account string, reports *deactivation.Reports) []api.Operation {
	a := &operations{Options{Account: account}}
	return []api.Operation{
		operation(a, "ImportDeactivations", func(ctx context.Context, in ImportDeactivationsInput) (deactivation.Added, error) {
			if len(in.Numbers) == 0 || len(in.Numbers) > maxDeactivations {
				return deactivation.Added{}, sms.Invalid(sms.ReasonInvalidParameter, "numbers", "numbers has %d members; 1 to %d are allowed.", len(in.Numbers), maxDeactivations)
			}
			day := in.Day
			if day == "" {
				day = reports.Today()
			}
			return reports.Add(ctx, day, in.Numbers)
		}),
		operation(a, "ListDeactivations", func(context.Context, ListDeactivationsInput) (ListDeactivationsOutput, error) {
			out := ListDeactivationsOutput{Reports: []DeactivationReport{}}
			for _, r := range reports.All() {
				out.Reports = append(out.Reports, DeactivationReport{Country: r.Country, Day: r.Day, Numbers: r.Numbers, Bytes: r.Bytes, Changed: r.Changed})
			}
			return out, nil
		}),
	}
}

// ReadDeactivations reads a CSV file of phone numbers that are out of service: one a
// line in its first column, with or without a first line that names the columns. Each
// is checked to look like one. Errors name the line.
func ReadDeactivations(r io.Reader) ([]string, error) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	rows.FieldsPerRecord = -1
	rows.TrimLeadingSpace = true
	rows.ReuseRecord = true
	var numbers []string
	for first := true; ; first = false {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return numbers, nil
		}
		if err != nil {
			return nil, err
		}
		number := strings.TrimSpace(strings.TrimPrefix(row[0], "\ufeff"))
		if digits := strings.TrimPrefix(number, "+"); digits == "" || strings.Trim(digits, "0123456789") != "" {
			if first {
				continue
			}
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %q is no phone number in E.164 format", line, number)
		}
		if !strings.HasPrefix(number, "+") {
			number = "+" + number
		}
		numbers = append(numbers, number)
	}
}
