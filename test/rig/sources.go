package rig

import (
	"io/fs"
	"path/filepath"
)

// WatchSources looks at the sources of the program below the module's directory, so that
// go test takes no result from its cache that is older than they are: it does not know
// what a process that a test starts was built from. A test has to call it; what TestMain
// does before the tests is not noted.
func WatchSources(module string) error {
	for _, root := range []string{"cmd", "internal"} {
		err := filepath.WalkDir(filepath.Join(module, root), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}
