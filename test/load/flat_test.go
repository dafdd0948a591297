package main

import "testing"

func TestFlat(t *testing.T) {
	for _, tc := range []struct {
		name   string
		slack  float64
		values []float64
		want   bool
	}{
		{"nothing", 0, nil, false},
		{"too little", 0, []float64{1}, false},
		{"constant", 0, []float64{5, 5, 5, 5}, true},
		{"up and down", 0, []float64{1, 9, 1, 9, 1, 9, 1, 9}, true},
		{"falling", 0, []float64{9, 8, 7, 6}, true},
		{"growing", 0, []float64{10, 11, 12, 13}, false},
		{"growing a little", 0, []float64{100, 100, 110, 109}, true},
		{"growing within the slack", 3, []float64{10, 11, 12, 14}, true},
		{"growing beyond the slack", 3, []float64{10, 11, 14, 16}, false},
		{"from nothing", 0, []float64{0, 0, 0, 1}, false},
		{"the middle of an odd number counts for neither", 0, []float64{5, 5, 99, 5, 5}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := quantity{slack: tc.slack, values: tc.values}
			if q.flat() != tc.want {
				first, second := q.halves()
				t.Errorf("from %v to %v: %v", first, second, !tc.want)
			}
		})
	}
}
