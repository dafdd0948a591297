package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heliograph/internal/admin"
	"heliograph/internal/usage"
)

func TestPrintUsage(t *testing.T) {
	report := admin.UsageReport{Month: "2026-11", Region: "us-east-1", Total: "0.01245", Lines: []admin.UsageLine{
		{Account: "111122223333", UsageType: "USE1-OutboundSMS-US-Standard-10DLC-MessageCount", Quantity: "12", Unit: admin.UnitParts},
		{Account: "111122223333", UsageType: "USE1-OutboundSMS-US-Standard-10DLC-MessageFees", Quantity: "0.01245", Unit: admin.UnitUSD},
	}}
	for output, want := range map[string]string{
		"table": `ACCOUNT       USAGE TYPE                                       QUANTITY  UNIT
111122223333  USE1-OutboundSMS-US-Standard-10DLC-MessageCount  12        parts
111122223333  USE1-OutboundSMS-US-Standard-10DLC-MessageFees   0.01245   USD
total         of all fees in 2026-11                           0.01245   USD
`,
		"csv": `month,account,usage_type,quantity,unit
2026-11,111122223333,USE1-OutboundSMS-US-Standard-10DLC-MessageCount,12,parts
2026-11,111122223333,USE1-OutboundSMS-US-Standard-10DLC-MessageFees,0.01245,USD
`,
		"json": `{
  "month": "2026-11",
  "region": "us-east-1",
  "lines": [
    {
      "account": "111122223333",
      "usage_type": "USE1-OutboundSMS-US-Standard-10DLC-MessageCount",
      "quantity": "12",
      "unit": "parts"
    },
    {
      "account": "111122223333",
      "usage_type": "USE1-OutboundSMS-US-Standard-10DLC-MessageFees",
      "quantity": "0.01245",
      "unit": "USD"
    }
  ],
  "total_usd": "0.01245"
}
`,
	} {
		var out strings.Builder
		if err := printUsage(&out, report, output); err != nil || out.String() != want {
			t.Errorf("%s: %v\n%s", output, err, out.String())
		}
	}
}

// A price book that is too large is not sent.
func TestReadPrices(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		size int
		ok   bool
	}{"as large as may be": {usage.MaxBook, true}, "larger": {usage.MaxBook + 1, false}} {
		book := strings.Repeat("#", c.size)
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(book), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, from := range []string{file, "-"} {
			got, err := importPrices{File: from}.read(strings.NewReader(book))
			if c.ok != (err == nil) || c.ok && string(got) != book || !c.ok && !strings.Contains(err.Error(), "524288") {
				t.Errorf("%s from %s: %d octets, %v", name, from, len(got), err)
			}
		}
	}
	if _, err := (importPrices{File: filepath.Join(dir, "none")}).read(nil); err == nil {
		t.Error("a file that is not there is read")
	}
}
