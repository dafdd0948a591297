package sim

import (
	"fmt"
	"slices"
	"time"

	"heliograph/internal/sms"
)

// Faults are what an operator makes the simulator do wrong. The zero value is a
// carrier without faults. Rates are probabilities from 0 to 1, each part drawing
// once: RefuseRate, ThrottleRate and UnknownRate exclude each other and may not
// add up to more than 1.
type Faults struct {
	// Down takes the connection away: nothing can be handed over, parts whose
	// answer is outstanding are Unknown, and receipts wait.
	Down bool `json:"down,omitempty" yaml:"down"`

	RefuseRate   float64 `json:"refuse_rate,omitempty" yaml:"refuse_rate"`     // refused for good with RefuseStatus
	ThrottleRate float64 `json:"throttle_rate,omitempty" yaml:"throttle_rate"` // answered RetryLater with ThrottlePause
	UnknownRate  float64 `json:"unknown_rate,omitempty" yaml:"unknown_rate"`   // taken, but the answer is lost

	LoseReceiptRate      float64 `json:"lose_receipt_rate,omitempty" yaml:"lose_receipt_rate"`           // no receipt ever
	DuplicateReceiptRate float64 `json:"duplicate_receipt_rate,omitempty" yaml:"duplicate_receipt_rate"` // the receipt comes twice

	SubmitDelay   time.Duration `json:"submit_delay,omitempty" yaml:"submit_delay"`     // until a part is answered
	ReceiptDelay  time.Duration `json:"receipt_delay,omitempty" yaml:"receipt_delay"`   // until its receipt; 0 is the simulator's own
	ThrottlePause time.Duration `json:"throttle_pause,omitempty" yaml:"throttle_pause"` // 0 is one second

	// Status is the final status of every receipt; empty is the recipient's own.
	Status sms.Status `json:"status,omitempty" yaml:"status"`
	// RefuseStatus is the failure that a refused part ends with; empty is
	// CARRIER_BLOCKED.
	RefuseStatus sms.Status `json:"refuse_status,omitempty" yaml:"refuse_status"`
}

const (
	defaultThrottlePause = time.Second
	maxDelay             = sms.ReceiptWait // nothing waits longer for a receipt
)

var receiptStatuses = []sms.Status{
	sms.StatusDelivered, sms.StatusInvalid, sms.StatusUnreachable, sms.StatusUnknown, sms.StatusBlocked,
	sms.StatusCarrierUnreachable, sms.StatusSpam, sms.StatusInvalidMessage, sms.StatusCarrierBlocked,
	sms.StatusTTLExpired,
}

// Validate names the first field that cannot be used, and what is allowed.
func (f Faults) Validate() error {
	rates := []struct {
		name string
		rate float64
	}{
		{"refuse_rate", f.RefuseRate}, {"throttle_rate", f.ThrottleRate}, {"unknown_rate", f.UnknownRate},
		{"lose_receipt_rate", f.LoseReceiptRate}, {"duplicate_receipt_rate", f.DuplicateReceiptRate},
	}
	for _, r := range rates {
		if !(r.rate >= 0 && r.rate <= 1) { // written so that NaN fails
			return fmt.Errorf("%s is %v: a probability from 0 to 1 is needed", r.name, r.rate)
		}
	}
	if sum := f.RefuseRate + f.ThrottleRate + f.UnknownRate; sum > 1 {
		return fmt.Errorf("refuse_rate, throttle_rate and unknown_rate add up to %v: at most 1 is allowed", sum)
	}
	delays := []struct {
		name  string
		delay time.Duration
	}{{"submit_delay", f.SubmitDelay}, {"receipt_delay", f.ReceiptDelay}, {"throttle_pause", f.ThrottlePause}}
	for _, d := range delays {
		if d.delay < 0 || d.delay > maxDelay {
			return fmt.Errorf("%s is %s: 0s to %s are allowed", d.name, d.delay, maxDelay)
		}
	}
	if f.Status != "" && !slices.Contains(receiptStatuses, f.Status) {
		return fmt.Errorf("status is %q: one of %v is needed", f.Status, receiptStatuses)
	}
	if f.RefuseStatus != "" && !slices.Contains(receiptStatuses[1:], f.RefuseStatus) {
		return fmt.Errorf("refuse_status is %q: one of %v is needed", f.RefuseStatus, receiptStatuses[1:])
	}
	return nil
}
