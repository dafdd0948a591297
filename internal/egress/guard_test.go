package egress

import (
	"errors"
	"net/netip"
	"testing"
)

func TestCheck(t *testing.T) {
	public := []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2606:4700:4700::1111", "2001:4860:4860::8888", "2a00::1", "3ffe::1",
		"::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
	}
	for _, text := range public {
		if err := New(nil).Check(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	withheld := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3", "127.255.255.255",
		"168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
		"192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::2", "::7f00:1", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1", "fc00::1", "fd00::1", "fd00:ec2::254", "ff02::1", "ff0e::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
		"64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::10.1.1.1", "64:ff9b:1::1", "100::1",
		"2001::1", "2001:0:1::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "4000::1", "::ffff:0:127.0.0.1",
	}
	for _, text := range withheld {
		var refused *Refused
		if err := New(nil).Check(netip.MustParseAddr(text)); !errors.As(err, &refused) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if New(nil).Check(netip.Addr{}) == nil {
		t.Error("no address at all is let through")
	}
}

func TestAllowed(t *testing.T) {
	guard := New([]netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16"), netip.MustParsePrefix("127.0.0.2/32")})
	for text, want := range map[string]bool{
		"10.1.2.3": true, "10.2.0.1": false, "127.0.0.2": true, "127.0.0.1": false, "::ffff:10.1.2.3": true, "::ffff:10.2.0.1": false,
		"64:ff9b::10.1.2.3": true, "64:ff9b::10.2.2.3": false, "fd12:1::1": true, "fd13::1": false, "8.8.8.8": true,
	} {
		if err := guard.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestControl(t *testing.T) {
	guard := New(nil)
	for _, c := range []struct{ network, address string }{
		{"tcp4", "127.0.0.1:80"}, {"tcp6", "[::1]:80"}, {"tcp6", "[fe80::1%eth0]:80"}, {"tcp", "10.0.0.1:80"},
		{"tcp4", "localhost:80"}, {"unix", "/run/control.sock"}, {"udp4", "8.8.8.8:53"}, {"tcp4", ""},
	} {
		if err := guard.control(t.Context(), c.network, c.address, nil); err == nil {
			t.Errorf("%s %s is let through", c.network, c.address)
		}
	}
	if err := guard.control(t.Context(), "tcp4", "8.8.8.8:443", nil); err != nil {
		t.Error(err)
	}
}

// FuzzCheck: an address is judged the same however it is written, and what an IPv6 address
// has inside is judged as what it is.
func FuzzCheck(f *testing.F) {
	for _, b := range [][]byte{{127, 0, 0, 1}, {8, 8, 8, 8}, {169, 254, 169, 254}, {10, 1, 2, 3}, netip.MustParseAddr("2001:db8::1").AsSlice()} {
		f.Add(b)
	}
	guard := New(nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		address, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		err := guard.Check(address)
		if again := guard.Check(netip.AddrFrom16(address.As16())); (err == nil) != (again == nil) {
			t.Errorf("%s: %v, and mapped: %v", address, err, again)
		}
		if plain := address.Unmap(); err == nil && (plain.IsLoopback() || plain.IsPrivate() || plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified()) {
			t.Errorf("%s is let through", address)
		}
	})
}
