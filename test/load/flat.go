package main

// quantity is something that must not grow in a long run, looked at many times.
type quantity struct {
	name    string
	unit    string
	divisor float64 // of what is measured, to print it in the unit
	slack   float64 // what the mean of the second half may be above that of the first in any case
	values  []float64
}

// tolerance is the share that the second half may be above the first.
const tolerance = 0.1

// halves are the means of the first and the second half of what was measured.
func (q *quantity) halves() (first, second float64) {
	half := len(q.values) / 2
	return mean(q.values[:half]), mean(q.values[len(q.values)-half:])
}

// flat reports whether the quantity did not grow. Nothing is known of fewer than
// two values.
func (q *quantity) flat() bool {
	if len(q.values) < 2 {
		return false
	}
	first, second := q.halves()
	return second <= first+max(first*tolerance, q.slack)
}

func mean(values []float64) (sum float64) {
	for _, v := range values {
		sum += v / float64(len(values))
	}
	return sum
}
