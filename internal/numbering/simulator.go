package numbering

import (
	_ "embed"
	"fmt"
	"slices"
)

//go:embed simulator.csv
var simulatorCSV string

var simulator = mustLoad(loadSimulator(simulatorCSV))

// SimulatorNumber is a destination that the simulator answers for (guide
// chapter 3, "Destination simulator phone numbers").
type SimulatorNumber struct {
	E164    string
	Country string // ISO 3166-1 alpha-2
	Success bool   // messages are delivered; otherwise they fail
}

// Simulator reports whether a number in E.164 format is a simulator's
// destination, the country it stands for and whether messages to it succeed.
func Simulator(e164 string) (country string, success, ok bool) {
	n, ok := simulator.byNumber[e164]
	return n.Country, n.Success, ok
}

// SimulatorNumbers lists the simulator's destinations, by country, the
// successful one of each first.
func SimulatorNumbers() []SimulatorNumber {
	return slices.Clone(simulator.list)
}

type simulatorTable struct {
	list     []SimulatorNumber
	byNumber map[string]SimulatorNumber
}

func loadSimulator(table string) (simulatorTable, error) {
	t := simulatorTable{byNumber: map[string]SimulatorNumber{}}
	err := eachRow(table, func(row []string) error {
		n := SimulatorNumber{E164: row[0], Country: row[1], Success: row[2] == "Success"}
		if !n.Success && row[2] != "Failure" {
			return fmt.Errorf("outcome %q", row[2])
		}
		t.list = append(t.list, n)
		t.byNumber[n.E164] = n
		return nil
	})
	return t, err
}
