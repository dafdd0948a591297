//go:build crash

package store

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// passPoint ends the process, as SIGKILL does, at the point that
// HELIOGRAPH_CRASH_AT names: moment/kind/count. The moment is before or after a
// commit, or answered, the kind is of a change in the batch, and the count says
// at which such batch: "after/accept/12".
func passPoint(moment string, changes []*Change) {
	at := crashAt()
	if at == nil || at.moment != moment || !holds(changes, at.kind) {
		return
	}
	if at.left.Add(-1) == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type point struct {
	moment, kind string
	left         atomic.Int64
}

// crashAt reads the environment once. A point that nothing passes would let a
// test succeed that ended nothing, so it is refused.
var crashAt = sync.OnceValue(func() *point {
	text, set := os.LookupEnv("HELIOGRAPH_CRASH_AT")
	if !set {
		return nil
	}
	fields := strings.Split(text, "/")
	if len(fields) == 3 {
		count, err := strconv.ParseInt(fields[2], 10, 64)
		moments := map[string]bool{"before": true, "after": true, "answered": true}
		if _, known := kinds[fields[1]]; known && moments[fields[0]] && err == nil && count > 0 {
			p := &point{moment: fields[0], kind: fields[1]}
			p.left.Store(count)
			return p
		}
	}
	fmt.Fprintf(os.Stderr, "HELIOGRAPH_CRASH_AT: %q is not moment/kind/count\n", text)
	os.Exit(2)
	return nil
})

func holds(changes []*Change, kind string) bool {
	in := kinds[kind]
	for _, c := range changes {
		if in(c) {
			return true
		}
	}
	return false
}

var kinds = map[string]func(*Change) bool{
	"accept":   func(c *Change) bool { return len(c.Accept) > 0 },
	"mark":     func(c *Change) bool { return len(c.Mark) > 0 },
	"unmark":   func(c *Change) bool { return len(c.Unmark) > 0 },
	"part":     func(c *Change) bool { return len(c.Parts) > 0 },
	"requeue":  func(c *Change) bool { return len(c.Requeue) > 0 },
	"park":     func(c *Change) bool { return len(c.Park) > 0 },
	"unpark":   func(c *Change) bool { return len(c.Unpark) > 0 },
	"cursor":   func(c *Change) bool { return len(c.Cursors) > 0 },
	"lag":      func(c *Change) bool { return len(c.Lag) > 0 },
	"resource": func(c *Change) bool { return len(c.Resources) > 0 },
	"entry":    func(c *Change) bool { return len(c.Entries) > 0 },
	"log":      func(c *Change) bool { return len(c.Logs) > 0 },
	"append":   func(c *Change) bool { return len(c.Append) > 0 },
}
