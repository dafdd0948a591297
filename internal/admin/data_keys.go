package admin

import (
	"context"

	"heliograph/internal/api"
)

// RotateDataKeysInput says what is to be done. Without MasterOnly a new data key is made,
// which everything is encrypted with from then on.
type RotateDataKeysInput struct {
	MasterOnly bool `json:"master_only,omitempty"` // only wrap the data keys that there are with the master key
}

// RotateDataKeysOutput tells what was done.
type RotateDataKeysOutput struct {
	DataKey   uint64 `json:"data_key"`   // number of the one that encrypts
	Rewrapped int    `json:"rewrapped"`  // data keys that were wrapped with another master key before
	Master    string `json:"master_key"` // name of the master key that wraps all of them
}

// RotateDataKeys is the operation that rotates the keys of data at rest.
func RotateDataKeys(account string, rotate func(ctx context.Context, masterOnly bool) (RotateDataKeysOutput, error)) api.Operation {
	return operation(&operations{Options{Account: account}}, "RotateDataKeys", func(ctx context.Context, in RotateDataKeysInput) (RotateDataKeysOutput, error) {
		return rotate(ctx, in.MasterOnly)
	})
}
