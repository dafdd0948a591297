package sqlite

import (
	"path/filepath"
	"testing"

	"heliograph/internal/store"
	"heliograph/internal/store/storetest"
)

func open(t *testing.T, path string, o Options) *Engine {
	t.Helper()
	e, err := Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string) store.Engine {
		return open(t, filepath.Join(dir, "heliograph.db"), Options{})
	})
}

func TestContractSealed(t *testing.T) {
	storetest.Run(t, func(t *testing.T, dir string) store.Engine { return openSealed(t, dir, storetest.NewSealer(t, 1)) })
}

func TestSealed(t *testing.T) { storetest.RunSealed(t, openSealed, storetest.DumpFiles) }

func openSealed(t *testing.T, dir string, sealer store.Sealer) store.Engine {
	return open(t, filepath.Join(dir, "heliograph.db"), Options{Sealer: sealer})
}
