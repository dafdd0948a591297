package egress

import "net/netip"

// The networks that are not public, from the special-purpose address registries of IANA
// (RFC 6890), and addresses at which clouds have what is only for the machine itself.
var (
	withheld4 = prefixes(
		"0.0.0.0/8",        // this network
		"10.0.0.0/8",       // private
		"100.64.0.0/10",    // shared by carrier-grade NAT; 100.100.100.200 is a metadata service
		"127.0.0.0/8",      // loopback
		"168.63.129.16/32", // Azure's services for the machine itself
		"169.254.0.0/16",   // link-local; 169.254.169.254 is the metadata service of most clouds
		"172.16.0.0/12",    // private
		"192.0.0.0/24",     // assignments of protocols; 192.0.0.192 is a metadata service
		"192.0.2.0/24",     // documentation
		"192.88.99.0/24",   // relays of 6to4
		"192.168.0.0/16",   // private
		"198.18.0.0/15",    // measurements
		"198.51.100.0/24",  // documentation
		"203.0.113.0/24",   // documentation
		"224.0.0.0/4",      // multicast
		"240.0.0.0/4",      // reserved, and broadcast
	)
	// unicast6 is what of IPv6 is given out at all: everything outside, such as loopback,
	// link-local, unique local (of which one, fd00:ec2::254, is a metadata service) and
	// multicast addresses, is withheld.
	unicast6  = netip.MustParsePrefix("2000::/3")
	withheld6 = prefixes(
		"2001::/23",     // assignments of protocols, Teredo among them
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4, which has an IPv4 address inside
		"3fff::/20",     // documentation
	)
	// nat64 is the prefix behind which a network without IPv4 has the IPv4 addresses.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// plainAddress is the IPv4 address that an IPv6 address stands for, or the address itself,
// without a zone.
func plainAddress(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if nat64.Contains(a) {
		inside := a.As16()
		return netip.AddrFrom4([4]byte(inside[12:]))
	}
	return a
}

// public reports whether anybody can be at an address.
func public(a netip.Addr) bool {
	withheld := withheld4
	if !a.Is4() {
		if !unicast6.Contains(a) {
			return false
		}
		withheld = withheld6
	}
	for _, network := range withheld {
		if network.Contains(a) {
			return false
		}
	}
	return true
}
