package config

import (
	"strings"
	"testing"
)

func TestIdentity(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	for text, want := range map[string]string{
		"{issuer: 'https://a.example/x', client_ids: [one, two]}":                                   "",
		"{issuer: 'http://127.0.0.1:1', client_ids: [one]}, {issuer: 'https://b', client_ids: [x]}": "",
		"{issuer: 'http://a.example', client_ids: [one]}":                                           "identity.oidc[0].issuer: \"http://a.example\" is no URL with https",
		"{issuer: 'a.example', client_ids: [one]}":                                                  "is no URL",
		"{issuer: 'https://a?b=c', client_ids: [one]}":                                              "is no URL",
		"{issuer: 'https://me:x@a', client_ids: [one]}":                                             "is no URL",
		"{issuer: 'https://a'}":                                                                     "identity.oidc[0].client_ids: at least one",
		"{issuer: 'https://a', client_ids: [one, ' ']}":                                             "identity.oidc[0].client_ids[1]: it is empty",
		"{issuer: 'https://a', client_ids: [x]}, {issuer: 'https://a', client_ids: [x]}":            "identity.oidc[1].issuer: \"https://a\" is there twice",
	} {
		c, err := parse("test.yaml", []byte("identity: {oidc: ["+text+"]}"), none)
		if want == "" && (err != nil || len(c.Identity.OIDC) == 0 || c.Identity.OIDC[0].ClientIDs[0] != "one") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %+v, %v", text, c.Identity, err)
		}
	}
}
