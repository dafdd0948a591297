package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

const extension = ".jsonl"

// fileName is the name of a full file.
func fileName(name string, number int) string {
	return fmt.Sprintf("%s.%06d%s", name, number, extension)
}

// parseName takes a file name apart: number is 0 for the file that is written. ok
// is false for a file that is no event file.
func parseName(file string) (name string, number int, ok bool) {
	base, found := strings.CutSuffix(file, extension)
	if !found {
		return "", 0, false
	}
	name, digits, full := strings.Cut(base, ".")
	if full {
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 {
			return "", 0, false
		}
		number = n
	}
	return name, number, safe.MatchString(name)
}

// numbered lists the numbers of an event destination's full files, ascending.
func numbered(directory, name string) ([]int, error) {
	entries, err := readDirectory(directory)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, number, ok := parseName(e.Name()); ok && n == name && number > 0 {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// readDirectory lists a directory, which is empty if it does not exist.
func readDirectory(path string) ([]os.DirEntry, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
