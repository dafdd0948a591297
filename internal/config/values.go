package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"gopkg.in/yaml.v3"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// SpendLimit is an amount in USD a month; Unlimited is none.
type SpendLimit sms.Money

const (
	Unlimited SpendLimit = -1
	// ByTier is what no key asks for: the limit of the tier that an account is in.
	ByTier = SpendLimit(resources.SpendByTier)
)

// Money is the limit as resources.Snapshot.SpendLimit takes it.
func (s SpendLimit) Money() sms.Money { return sms.Money(s) }

func (s *SpendLimit) setText(text string) error {
	if text == "unlimited" {
		*s = Unlimited
		return nil
	}
	amount, err := sms.ParseMoney(text)
	if err != nil {
		return fmt.Errorf("%q is neither an amount in USD, for instance 1.00, nor unlimited", text)
	}
	*s = SpendLimit(amount)
	return nil
}

// RequestRates are the requests a second that an account may make: the guide's
// quotas, no limits, or the guide's with some replaced.
type RequestRates struct {
	Unlimited bool
	Changed   map[string]float64 // by operation; 0 is no limit
}

// Rates are the request rates as the API takes them.
func (r RequestRates) Rates() (api.Rates, error) {
	if r.Unlimited {
		return api.UnlimitedRates(), nil
	}
	return api.GuideRates().With(r.Changed)
}

func (r *RequestRates) setText(text string) error {
	switch text {
	case "guide":
		*r = RequestRates{}
	case "unlimited":
		*r = RequestRates{Unlimited: true}
	default:
		return fmt.Errorf("%q is none of guide, unlimited and a map of operations to requests a second", text)
	}
	return nil
}

func (r *RequestRates) setNode(d *decoder, path string, node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return d.text(path, node, r)
	}
	changed := map[string]float64{}
	if err := d.value(path, node, &changed); err != nil {
		return err
	}
	*r = RequestRates{Changed: changed}
	if _, err := r.Rates(); err != nil {
		return d.errorf(node, path, "%w", err)
	}
	return nil
}

// Headers are headers of HTTP requests. Values may be secrets.
type Headers map[string]string

// setText reads what a variable can hold: name=value, with commas between several.
func (h *Headers) setText(text string) error {
	made := Headers{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return errors.New("headers are written name=value, with commas between several")
		}
		made[name] = strings.TrimSpace(value)
	}
	*h = made
	return nil
}

func (h *Headers) setNode(d *decoder, path string, node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		// What it holds is not repeated: it may be a secret.
		if err := h.setText(node.Value); err != nil {
			return d.errorf(node, path, "%w", err)
		}
		return nil
	}
	return d.value(path, node, (*map[string]string)(h))
}

// Networks are networks of IP addresses, such as 10.1.0.0/16 or fd00:1::/32.
type Networks struct{ Prefixes []netip.Prefix }

// setText reads what a variable can hold: networks with commas between several.
func (n *Networks) setText(text string) error {
	return n.set(strings.Split(text, ","))
}

func (n *Networks) setNode(d *decoder, path string, node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return d.text(path, node, n)
	}
	var texts []string
	if err := d.value(path, node, &texts); err != nil {
		return err
	}
	if err := n.set(texts); err != nil {
		return d.errorf(node, path, "%w", err)
	}
	return nil
}

func (n *Networks) set(texts []string) error {
	made := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil || prefix.Masked() != prefix || prefix.Addr().Is4In6() {
			return fmt.Errorf("%q is no network, such as 10.1.0.0/16", text)
		}
		made[i] = prefix
	}
	n.Prefixes = made
	return nil
}

// list joins words as people write them: "a, b or c".
func list[T ~string](words []T, last string) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " " + last + " " + texts[len(texts)-1]
}
