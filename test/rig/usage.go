package rig

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// UsageOf asks the kernel what a process has taken of the machine so far. What
// is gone has taken nothing.
func UsageOf(pid int) (u Usage) {
	proc := "/proc/" + strconv.Itoa(pid)
	if stat, err := os.ReadFile(proc + "/stat"); err == nil {
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		u.CPU = time.Duration(user+system) * (time.Second / 100) // clock ticks are 10 ms on Linux
	}
	u.Peak = 1024 * number(proc+"/status", "VmHWM:")
	u.Memory = 1024 * number(proc+"/status", "VmRSS:")
	u.Written = number(proc+"/io", "write_bytes:")
	return u
}

// number reads the number behind a name at the beginning of a line, 0 for none.
func number(file, name string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}
