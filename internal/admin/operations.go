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
	"heliograph/internal/nodes"
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

// Carrier is a configured carrier with what this node has of it.
type Carrier struct {
	Name   string
	Kind   string // smpp or sim
	Window int    // parts that may be unanswered at a time, of all sessions; 0: not known
	Shards int    // of which this node has Here
	Traits carrier.Traits
	Here   []carrier.Carrier
}

// State is that of the shards that this node has: up where one of them is.
func (c Carrier) State() carrier.State {
	s := carrier.State{Detail: "other nodes have its shards"}
	for _, here := range c.Here {
		state := here.State()
		s.Up = s.Up || state.Up
		s.Sessions += state.Sessions
		s.Detail = state.Detail
	}
	if s.Up {
		s.Detail = ""
	}
	return s
}

// Room is how many parts this node can hand over now.
func (c Carrier) Room() (n int) {
	for _, here := range c.Here {
		n += here.Room()
	}
	return n
}

// Options are what the operations work on. All are needed.
type Options struct {
	Account        string // whose root is the operator
	Directory      *resources.Directory
	Messages       Messages
	MessageIDs     *sms.MessageIDs
	Carriers       func() []Carrier
	DefaultCarrier string // of imported numbers that name none
	Depths         func() []queue.Depth
	Nodes          func() nodes.State
	Rand           io.Reader // of phone number ids, and of the references of simulated messages
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
		operation(a, "ListNodes", a.listNodes),
		operation(a, "GetFaults", a.getFaults),
		operation(a, "SetFaults", a.setFaults),
		operation(a, "SimulateInbound", a.simulateInbound),
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
