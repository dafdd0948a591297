package receipt_test

import (
	"flag"
	"log"
	"testing"

	"go.uber.org/goleak"
)

// TestMain has the property test make 40 runs, unless -rapid.checks says
// otherwise, and holds that no test leaves a goroutine behind.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		log.Fatal(err)
	}
	goleak.VerifyTestMain(m)
}
