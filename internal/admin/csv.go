package admin

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// columns of a file of numbers. The first three are needed.
var columns = []string{"number", "country", "type", "capabilities", "carrier", "parts_per_second", "two_way"}

// neededColumns is how many of columns a file has to have.
const neededColumns = 3

// maxNumbers bounds a file of numbers.
const maxNumbers = 1_000_000

// ReadNumbers reads a CSV file of phone numbers. Its first line names the columns,
// in any order: number, country, type, capabilities (separated by spaces; SMS
// where empty), carrier (empty: the default one), parts_per_second (empty: the
// guide's figure) and two_way (true or false). Only the first three are needed.
// Errors name the line and column; what the values mean is the server's to check.
func ReadNumbers(r io.Reader) ([]Number, error) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	rows.TrimLeadingSpace = true
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the file is empty; its first line has to name the columns: %s", strings.Join(columns, ","))
	}
	if err != nil {
		return nil, err
	}
	index, err := columnIndex(header)
	if err != nil {
		return nil, err
	}
	var out []Number
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		n, err := numberOf(row, index)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if out = append(out, n); len(out) > maxNumbers {
			return nil, fmt.Errorf("line %d: a file may have %d numbers", line, maxNumbers)
		}
	}
}

// columnIndex tells where each of columns is in a row, -1 for one that is missing.
func columnIndex(header []string) ([]int, error) {
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		header[i] = name
		if !slices.Contains(columns, name) {
			return nil, fmt.Errorf("line 1: unknown column %q; known are %s", name, strings.Join(columns, ", "))
		}
		if slices.Contains(header[:i], name) {
			return nil, fmt.Errorf("line 1: the column %s is there twice", name)
		}
	}
	index := make([]int, len(columns))
	for i, name := range columns {
		index[i] = slices.Index(header, name)
		if index[i] < 0 && i < neededColumns {
			return nil, fmt.Errorf("line 1: the column %s is missing", name)
		}
	}
	return index, nil
}

func numberOf(row []string, index []int) (Number, error) {
	get := func(column int) string {
		if index[column] < 0 {
			return ""
		}
		return strings.TrimSpace(row[index[column]])
	}
	n := Number{Number: get(0), Country: get(1), Type: get(2), Capabilities: strings.Fields(get(3)), Carrier: get(4)}
	var err error
	if text := get(5); text != "" {
		if n.PartsPerSecond, err = strconv.ParseFloat(text, 64); err != nil {
			return n, fmt.Errorf("parts_per_second: %q is not a number", text)
		}
	}
	switch text := get(6); text {
	case "", "false":
	case "true":
		n.TwoWay = true
	default:
		return n, fmt.Errorf("two_way: %q is neither true nor false", text)
	}
	return n, nil
}
