package inbound

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPayload(t *testing.T) {
	full := Payload{OriginationNumber: "+14255550182", DestinationNumber: "+12125550101", MessageKeyword: "JOIN", MessageBody: "Join <now> & \"stay\"\n😀",
		InboundMessageID: "0190b7a0-0000-7000-8000-000000000001", PreviousPublishedMessageID: "0190b7a0-0000-7000-8000-000000000000"}
	bare := full
	bare.MessageKeyword, bare.PreviousPublishedMessageID = "", ""
	for name, p := range map[string]Payload{"payload.json": full, "payload_bare.json": bare} {
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.JSON()
		if err != nil || string(got) != strings.TrimSpace(string(want)) {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
}
