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
	if status, err := os.ReadFile(proc + "/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				u.Peak = kilobytes * 1024
			}
		}
	}
	return u
}
