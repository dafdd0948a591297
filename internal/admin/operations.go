package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"heliograph/internal/api"
	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// TargetPrefix begins the X-Amz-Target of every operation here.
const TargetPrefix = "HeliographAdmin."

// Messages is what is read of a store.Engine.
type Messages interface {
	Messages(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	Open(ctx context.Context, id sms.ID) (*store.Queued, *store.Awaiting, error)
	MessageEvents(ctx context.Context, id sms.ID) ([]store.Event, error)
	MessagesOf(ctx context.Context, account string, before sms.ID, limit int) ([]*sms.Message, error)
}

// Carrier is a carrier with what its contract does not tell.
type Carrier struct {
	carrier.Carrier
	Kind   string // smpp or sim
	Window int    // parts that may be unanswered at a time, of all sessions; 0: not known
}

// Options are what the operations work on. All are needed.
type Options struct {
	Account        string // whose root is the operator
	Directory      *resources.Directory
	Messages       Messages
	MessageIDs     *sms.MessageIDs
	Carriers       []Carrier
	DefaultCarrier string // of imported numbers that name none
	Depths         func() []queue.Depth
	Rand           io.Reader // of phone number ids
}

// operations answers the operator's requests.
type operations struct{ Options }

// Operations are the operator's operations, for api.Options.ExtraOperations.
func Operations(o Options) []api.Operation {
	a := &operations{o}
	return []api.Operation{
		operation(a, "ImportNumbers", a.importNumbers),
		operation(a, "ListNumbers", a.listNumbers),
		operation(a, "AssignNumber", a.assignNumber),
		operation(a, "ActivateNumber", a.activateNumber),
		operation(a, "ShowMessage", a.showMessage),
		operation(a, "ListMessages", a.listMessages),
		operation(a, "ListCarriers", a.listCarriers),
		operation(a, "GetFaults", a.getFaults),
		operation(a, "SetFaults", a.setFaults),
	}
}

// operation decodes the body for f and encodes its answer.
func operation[In, Out any](a *operations, name string, f func(context.Context, In) (Out, error)) api.Operation {
	return api.Operation{Target: TargetPrefix + name, Action: "heliograph:" + name,
		Handle: func(ctx context.Context, c *api.Call, body []byte) ([]byte, error) {
			if c.AccountID != a.Account {
				return nil, &sms.Error{Kind: sms.KindAccessDenied,
					Message: fmt.Sprintf("User: %s is not authorized to perform: heliograph:%s; only the root of account %s is.", c.Principal, name, a.Account)}
			}
			var in In
			if err := decode(body, &in); err != nil {
				return nil, err
			}
			out, err := f(ctx, in)
			if err != nil {
				return nil, err
			}
			return json.Marshal(out)
		}}
}

// decode reads a request strictly: a member that is not known is refused, so that
// a misspelt one is not taken for one that is missing.
func decode(body []byte, in any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(in)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more after the JSON object")
		}
	}
	if err != nil {
		return sms.Invalid(sms.ReasonInvalidRequest, "body", "The request cannot be read: %v.", err)
	}
	return nil
}
