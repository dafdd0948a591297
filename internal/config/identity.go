package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

func (k *checker) identity(i Identity) {
	seen := map[string]bool{}
	for n, of := range i.OIDC {
		path := fmt.Sprintf("identity.oidc[%d]", n)
		u, err := url.Parse(of.Issuer)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
			k.fail(path+".issuer", "%q is no URL with https, such as https://issuer.example; http is for issuers on this machine", of.Issuer)
		case seen[of.Issuer]:
			k.fail(path+".issuer", "%q is there twice", of.Issuer)
		case len(of.ClientIDs) == 0:
			k.fail(path+".client_ids", "at least one audience is needed")
		}
		for m, id := range of.ClientIDs {
			if strings.TrimSpace(id) == "" {
				k.fail(fmt.Sprintf("%s.client_ids[%d]", path, m), "it is empty")
			}
		}
		seen[of.Issuer] = true
	}
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}
