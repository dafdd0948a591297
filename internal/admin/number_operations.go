package admin

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Number is a phone number of the inventory.
type Number struct {
	Number         string    `json:"number"`
	Country        string    `json:"country"`
	Type           string    `json:"type"`
	Capabilities   []string  `json:"capabilities,omitempty"`
	Carrier        string    `json:"carrier,omitempty"`
	PartsPerSecond float64   `json:"parts_per_second,omitempty"` // 0: the guide's figure
	TwoWay         bool      `json:"two_way,omitempty"`
	AddedAt        time.Time `json:"added_at,omitzero"`
	State          string    `json:"state,omitempty"` // free, leased or retired
	Lease          *Lease    `json:"lease,omitempty"`
}

// Lease is a phone number as an account has it.
type Lease struct {
	Account        string  `json:"account"`
	PhoneNumberID  string  `json:"phone_number_id"`
	Status         string  `json:"status"`
	MessageType    string  `json:"message_type"`
	PoolID         string  `json:"pool_id,omitempty"`
	PartsPerSecond float64 `json:"parts_per_second"`
}

// States of a number in the inventory.
const (
	StateFree    = "free"
	StateLeased  = "leased"
	StateRetired = "retired"
)

// ImportNumbersInput names numbers to put into the inventory, all or none.
type ImportNumbersInput struct {
	Numbers []Number `json:"numbers"`
}

func (a *operations) importNumbers(ctx context.Context, in ImportNumbersInput) (Imported, error) {
	if len(in.Numbers) == 0 {
		return Imported{}, sms.Invalid(sms.ReasonMissingParameter, "numbers", "At least one number is needed.")
	}
	numbers := make([]sms.InventoryNumber, len(in.Numbers))
	seen := map[string]int{}
	for i, n := range in.Numbers {
		numbers[i] = a.inventoryNumber(n)
		field, err := CheckNumber(numbers[i])
		if err == nil && a.carrier(numbers[i].Carrier) == nil {
			field, err = "carrier", fmt.Errorf("there is no carrier %q", numbers[i].Carrier)
		}
		if first, twice := seen[n.Number]; err == nil && twice {
			field, err = "number", fmt.Errorf("%s is also numbers[%d]", n.Number, first)
		}
		if err != nil {
			name := fmt.Sprintf("numbers[%d].%s", i, field)
			return Imported{}, sms.Invalid(sms.ReasonInvalidParameter, name, "%s: %v.", name, err)
		}
		seen[n.Number] = i
	}
	return Import(ctx, a.Directory, numbers)
}

func (a *operations) inventoryNumber(n Number) sms.InventoryNumber {
	out := sms.InventoryNumber{Number: n.Number, Country: n.Country, Type: sms.NumberType(n.Type),
		Carrier: cmp.Or(n.Carrier, a.DefaultCarrier), PartsPerSecond: n.PartsPerSecond, TwoWay: n.TwoWay}
	for _, c := range n.Capabilities {
		out.Capabilities = append(out.Capabilities, sms.Capability(c))
	}
	if out.Capabilities == nil {
		out.Capabilities = []sms.Capability{sms.CapabilitySMS}
	}
	return out
}

// ListNumbersInput narrows a list of the inventory; empty members do not.
type ListNumbersInput struct {
	Account string `json:"account,omitempty"` // that leases it
	Country string `json:"country,omitempty"`
	Type    string `json:"type,omitempty"`
	State   string `json:"state,omitempty"`
	After   string `json:"after,omitempty"` // number of the page before
	Limit   int    `json:"limit,omitempty"` // 1 to 1,000; 0: 1,000
}

// ListNumbersOutput is a page, by number. Next is After of the next page.
type ListNumbersOutput struct {
	Numbers []Number `json:"numbers"`
	Next    string   `json:"next,omitempty"`
}

// maxPage bounds every list.
const maxPage = 1000

func (a *operations) listNumbers(_ context.Context, in ListNumbersInput) (ListNumbersOutput, error) {
	limit, err := pageSize(in.Limit, maxPage)
	if err != nil {
		return ListNumbersOutput{}, err
	}
	if in.State != "" && !slices.Contains([]string{StateFree, StateLeased, StateRetired}, in.State) {
		return ListNumbersOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "state", "state is %q; free, leased and retired are allowed.", in.State)
	}
	var found []sms.InventoryNumber
	for _, item := range a.Directory.Inventory().Numbers.All() {
		n := item.Value
		if n.Number > in.After && matches(in.Account, n.LeasedBy) && matches(in.Country, n.Country) &&
			matches(in.Type, string(n.Type)) && matches(in.State, stateOf(n)) {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, func(x, y sms.InventoryNumber) int { return cmp.Compare(x.Number, y.Number) })
	out := ListNumbersOutput{Numbers: []Number{}}
	if len(found) > limit {
		found = found[:limit]
		out.Next = found[limit-1].Number
	}
	for _, n := range found {
		out.Numbers = append(out.Numbers, a.number(n))
	}
	return out, nil
}

func matches(wanted, value string) bool { return wanted == "" || wanted == value }

func pageSize(given, most int) (int, error) {
	if given < 0 || given > most {
		return 0, sms.Invalid(sms.ReasonInvalidParameter, "limit", "limit is %d; 1 to %d are allowed.", given, most)
	}
	return cmp.Or(given, most), nil
}

func stateOf(n sms.InventoryNumber) string {
	switch {
	case n.Retired:
		return StateRetired
	case n.LeasedBy != "":
		return StateLeased
	}
	return StateFree
}

func (a *operations) number(n sms.InventoryNumber) Number {
	out := Number{Number: n.Number, Country: n.Country, Type: string(n.Type), Carrier: n.Carrier,
		PartsPerSecond: n.PartsPerSecond, TwoWay: n.TwoWay, AddedAt: n.AddedAt.UTC().Truncate(time.Millisecond), State: stateOf(n)}
	for _, c := range n.Capabilities {
		out.Capabilities = append(out.Capabilities, string(c))
	}
	if account := a.Directory.Account(n.LeasedBy); account != nil {
		if item := account.Number(n.Number); item != nil {
			out.Lease = lease(account, item.Value)
		}
	}
	return out
}

func lease(s *resources.Snapshot, p sms.PhoneNumber) *Lease {
	return &Lease{Account: s.Account.ID, PhoneNumberID: p.ID, Status: string(p.Status), MessageType: string(p.MessageType),
		PoolID: p.PoolID, PartsPerSecond: p.PartsPerSecond}
}

// AssignNumberInput gives a number of the inventory to an account.
type AssignNumberInput struct {
	Number      string `json:"number"`
	Account     string `json:"account,omitempty"`      // empty: the first account
	MessageType string `json:"message_type,omitempty"` // empty: TRANSACTIONAL
}

func (a *operations) assignNumber(ctx context.Context, in AssignNumberInput) (Number, error) {
	if in.Number == "" {
		return Number{}, sms.Invalid(sms.ReasonMissingParameter, "number", "number is needed.")
	}
	kind := sms.MessageType(cmp.Or(in.MessageType, string(sms.Transactional)))
	if kind != sms.Transactional && kind != sms.Promotional {
		return Number{}, sms.Invalid(sms.ReasonInvalidParameter, "message_type", "message_type is %q; TRANSACTIONAL and PROMOTIONAL are allowed.", in.MessageType)
	}
	id, err := a.phoneNumberID()
	if err != nil {
		return Number{}, err
	}
	p, err := Assign(ctx, a.Directory, in.Number, cmp.Or(in.Account, a.Account), id, kind)
	if err != nil {
		return Number{}, err
	}
	return a.leased(p), nil
}

func (a *operations) phoneNumberID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(a.Rand, b[:]); err != nil {
		return "", fmt.Errorf("make a phone number id: %w", err)
	}
	return "phone-" + hex.EncodeToString(b[:]), nil
}

// ActivateNumberInput names a leased number by itself or by its phone number id.
type ActivateNumberInput struct {
	Number string `json:"number"`
}

func (a *operations) activateNumber(ctx context.Context, in ActivateNumberInput) (Number, error) {
	if in.Number == "" {
		return Number{}, sms.Invalid(sms.ReasonMissingParameter, "number", "number is needed.")
	}
	p, err := Activate(ctx, a.Directory, in.Number)
	if err != nil {
		return Number{}, err
	}
	return a.leased(p), nil
}

func (a *operations) leased(p sms.PhoneNumber) Number {
	if item := a.Directory.Inventory().Numbers.Get(p.Number); item != nil {
		return a.number(item.Value)
	}
	return Number{Number: p.Number, Country: p.Country, Type: string(p.Type)}
}
