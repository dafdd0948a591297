package api_test

import (
	"testing"

	"heliograph/internal/api"
	"heliograph/internal/audit"
)

// The owner of what another account was let use gets a record of it; who is only named by
// a request, in a tag or where nothing is shared, gets none.
func TestAuditOfShared(t *testing.T) {
	directory := t.TempDir()
	log := openAudit(t, directory)
	n := newNeighbourhood(t, func(o *api.Options) { o.Audit = log })
	n.share(n.list, borrower, "DescribeOptOutLists")
	before := len(recordsOf(t, log, directory))
	n.ok("AKIABORROWER", "CreateOptOutList", map[string]any{"OptOutListName": "Mine", "Tags": []map[string]any{{"Key": "k", "Value": n.pool}}})
	n.as("AKIABORROWER", "DescribePools", map[string]any{"PoolIds": []string{n.pool}})
	n.as("AKIABORROWER", "DescribePools", map[string]any{"PoolIds": []string{"arn:aws:sms-voice:" + customerRegion + ":../../../../:pool/x"}})
	for _, r := range recordsOf(t, log, directory)[before:] {
		if r.RecipientAccountID != borrower {
			t.Errorf("%s %s has a record in %s", r.EventName, r.RequestParameters, r.RecipientAccountID)
		}
	}
	before = len(recordsOf(t, log, directory))
	n.ok("AKIABORROWER", "DescribeOptOutLists", map[string]any{"OptOutListNames": []string{n.list}})
	all := recordsOf(t, log, directory)[before:]
	if len(all) != 2 || all[0].RecipientAccountID != borrower || all[1].RecipientAccountID != customerAccount ||
		len(all[1].Resources) != 1 || all[1].Resources[0] != audit.ResourceOf(customerAccount, n.list) || all[1].UserIdentity.ARN != "" {
		t.Errorf("the records of what is shared are %+v", all)
	}
}

func recordsOf(t *testing.T, log *audit.Log, directory string) []audit.Record {
	t.Helper()
	if err := log.Flush(); err != nil {
		t.Fatal(err)
	}
	return records(t, directory)
}
