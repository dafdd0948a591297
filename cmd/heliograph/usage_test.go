package main

import (
	"strings"
	"testing"

	"heliograph/internal/admin"
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
