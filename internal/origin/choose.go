package origin

// unable is the rank of a candidate that cannot be chosen.
const unable = -1

// points ranks a candidate by its faults, the gravest first: none is 0.
func points(faults ...bool) int {
	n := 0
	for _, fault := range faults {
		n <<= 1
		if fault {
			n++
		}
	}
	return n
}

// choose gives the candidate of 0 to n-1 with the lowest rank; of several such the
// least loaded, of those the one with the lowest tie. It is -1 where all are
// unable. Loads and ties are asked for only where they decide.
func choose(n int, rank func(int) int, load func(int) float64, tie func(int) uint64) int {
	best, lowest, equals := -1, 0, 0
	for i := range n {
		switch r := rank(i); {
		case r == unable:
		case best < 0 || r < lowest:
			best, lowest, equals = i, r, 1
		case r == lowest:
			equals++
		}
	}
	if equals < 2 {
		return best
	}
	bestLoad, bestTie := load(best), tie(best)
	for i := best + 1; i < n; i++ {
		if rank(i) != lowest {
			continue
		}
		if l := load(i); l < bestLoad || l == bestLoad && tie(i) < bestTie {
			best, bestLoad, bestTie = i, l, tie(i)
		}
	}
	return best
}

func (s State) healthy(carrier string) bool { return s.Healthy == nil || s.Healthy(carrier) }

func (s State) backlog(lane string) float64 {
	if s.Backlog == nil {
		return 0
	}
	return s.Backlog(lane)
}

// affinity spreads recipients over equally loaded members, and gives a recipient
// the same one again where nothing else decides. It is FNV-1a with its bits mixed, so
// that identities which differ in their last digit alone are spread evenly too.
func affinity(recipient, identity string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, s := range [...]string{recipient, "\x00", identity} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	return h ^ h>>33
}
