package credentials

import (
	"fmt"
	"io"
	"os"
)

// maxFile bounds what is read of a file.
const maxFile = 1 << 20

// readPrivate reads a file. One that others than its owner may read or change is
// refused: its secrets have to be taken as known.
func readPrivate(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("%s holds secrets and is open to others than its owner: its mode is %04o, 0600 is needed", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return string(text), err
}
