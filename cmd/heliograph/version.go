package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker: -X main.version=1.2.3.
var version = ""

type versionCommand struct{}

// Run prints the version, the revision it was built from and the platform.
func (versionCommand) Run(s *session) error {
	name, revision := version, "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if name == "" {
			name = info.Main.Version
		}
		for _, setting := range info.Settings {
			switch {
			case setting.Key == "vcs.revision":
				revision = setting.Value[:min(len(setting.Value), 12)]
			case setting.Key == "vcs.modified" && setting.Value == "true":
				revision += "+changes"
			}
		}
	}
	if name == "" {
		name = "(devel)"
	}
	_, err := fmt.Fprintf(s.out, "heliograph %s (revision %s, %s, %s/%s)\n", name, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
