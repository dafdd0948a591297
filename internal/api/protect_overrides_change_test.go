package api_test

import (
	"context"
	"testing"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// watchedLists calls read whenever entries are read.
type watchedLists struct {
	store.Lists
	read func()
}

func (w watchedLists) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	w.read()
	return w.Lists.Entries(ctx, keys)
}

// Overrides are read while others can change resources, and are not written for a
// configuration that another node has deleted.
func TestOverridesBesideOtherChanges(t *testing.T) {
	var made api.Options
	watched := &watchedLists{read: func() {}}
	url, directory := startServer(t, func(o *api.Options) {
		watched.Lists = o.Lists.(store.Lists)
		o.Lists = watched
		made = *o
	})
	const id = "protect-0123456789abcdef0123456789abcdef"
	change := func(d *resources.Directory, fn func(*resources.Tx)) {
		t.Helper()
		if err := d.Change(t.Context(), customerAccount, func(tx *resources.Tx) error { fn(tx); return nil }); err != nil {
			t.Error(err)
		}
	}
	change(directory, func(tx *resources.Tx) { tx.Protect.Put(id, sms.ProtectConfiguration{ID: id}) })
	call := func(operation, members string) reply {
		return request{target: "PinpointSMSVoiceV2." + operation + "ProtectConfigurationRuleSetNumberOverride",
			body: `{"ProtectConfigurationId":"` + id + `","DestinationPhoneNumber":"+447946000001"` + members + `}`}.send(t, url)
	}
	reads := 0
	watched.read = func() {
		reads++
		change(directory, func(tx *resources.Tx) { tx.Settings.Put(sms.SettingsID, sms.Settings{}) })
	}
	if got := call("Put", `,"Action":"BLOCK"`); got.Status != 200 {
		t.Fatalf("put: %+v", got)
	}
	if got := call("Delete", ""); got.Status != 200 || reads < 2 {
		t.Fatalf("delete: %+v after %d reads", got, reads)
	}
	watched.read = func() {}
	if got := call("Put", `,"Action":"BLOCK"`); got.Status != 200 {
		t.Fatalf("put again: %+v", got)
	}
	elsewhere, err := resources.Open(t.Context(), watched.Lists.(store.Engine), made.Committer, "aws", customerRegion, tickingClock())
	if err != nil {
		t.Fatal(err)
	}
	change(elsewhere, func(tx *resources.Tx) { tx.Protect.Delete(id) })
	if got := call("Put", `,"Action":"ALLOW"`); got.Exception != "ResourceNotFoundException" {
		t.Errorf("put to a configuration that is gone: %+v", got)
	}
}
