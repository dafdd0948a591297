package api

import (
	"context"
	"fmt"

	"heliograph/internal/api/wire"
)

// targetPrefix begins the X-Amz-Target of the operations of the API model.
const targetPrefix = "PinpointSMSVoiceV2."

// Operation is an operation that another package answers beside the model's, for
// instance an operator's.
type Operation struct {
	Target string // the whole X-Amz-Target, for instance "HeliographAdmin.ListNumbers"
	Action string // the IAM action, for instance "heliograph:ListNumbers"

	// Handle answers body, a request's JSON that is not looked at before, with the
	// JSON of the answer. body must not be kept. Errors are rendered as those of
	// the model's operations are.
	Handle func(ctx context.Context, c *Call, body []byte) ([]byte, error)
}

// operation is a row of the table: an operation of the API model, by its name.
type operation struct {
	name    string
	handler handler
	action  string // of IAM
	// resources are the ARNs of what the request acts on, as far as the request
	// itself says, whatever there is of it; nil where it acts on none in particular.
	resources func(c *Call, in wire.Input) []string
}

// handler decodes, answers and encodes one operation's documents.
type handler struct {
	decode func(body []byte) (wire.Input, error)
	call   func(ctx context.Context, c *Call, in wire.Input) (wire.Shape, error)
}

// handle makes a handler of a function on an operation's own input and output.
func handle[I, O any, In interface {
	*I
	wire.Input
}, Out interface {
	*O
	wire.Shape
}](f func(context.Context, *Call, In) (Out, error)) handler {
	return handler{
		decode: func(body []byte) (wire.Input, error) {
			in := In(new(I))
			return in, wire.Decode(body, in)
		},
		call: func(ctx context.Context, c *Call, in wire.Input) (wire.Shape, error) {
			out, err := f(ctx, c, in.(In))
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// on makes the resources of a row from a function on the operation's own input.
func on[In wire.Input](f func(c *Call, in In) []string) func(*Call, wire.Input) []string {
	return func(c *Call, in wire.Input) []string { return f(c, in.(In)) }
}

// operations are all rows.
func (a *API) operations() []operation {
	var rows []operation
	for _, noun := range [][]operation{
		a.phoneNumberOperations(),
		a.senderIDOperations(),
		a.poolOperations(),
		a.optOutListOperations(),
		a.keywordOperations(),
		a.configurationSetOperations(),
		a.eventDestinationOperations(),
		a.tagOperations(),
		a.accountOperations(),
		a.spendLimitOperations(),
		a.verifiedNumberOperations(),
		a.sendOperations(),
		a.protectOperations(),
		a.feedbackOperations(),
		a.resourcePolicyOperations(),
	} {
		rows = append(rows, noun...)
	}
	return rows
}

// endpoint is an operation as the server calls it: in reads the request, resources
// says what it acts on and run answers it, appending to out.
type endpoint struct {
	name      string
	action    string
	operator  bool // of ExtraOperations
	rate      *limiter
	in        func(body []byte) (input any, err error)
	resources func(c *Call, input any) []string
	run       func(ctx context.Context, c *Call, input any, out []byte) ([]byte, error)
}

func (o operation) endpoint(rates Rates, shared Taker) *endpoint {
	return &endpoint{
		name: o.name, action: o.action, rate: rates.newLimiter(o.name, shared),
		in: func(body []byte) (any, error) {
			in, err := o.handler.decode(body)
			if err != nil {
				return nil, err
			}
			if v := in.Validate(); v != nil {
				return nil, violation(v)
			}
			return in, nil
		},
		resources: func(c *Call, in any) []string {
			if o.resources == nil {
				return nil
			}
			return o.resources(c, in.(wire.Input))
		},
		run: func(ctx context.Context, c *Call, in any, out []byte) ([]byte, error) {
			result, err := o.handler.call(ctx, c, in.(wire.Input))
			if err != nil {
				return nil, err
			}
			return result.AppendWire(out), nil
		},
	}
}

func (o Operation) endpoint() *endpoint {
	return &endpoint{
		name: o.Target, action: o.Action, operator: true,
		in:        func(body []byte) (any, error) { return body, nil },
		resources: func(*Call, any) []string { return nil },
		run: func(ctx context.Context, c *Call, in any, out []byte) ([]byte, error) {
			result, err := o.Handle(ctx, c, in.([]byte))
			return append(out, result...), err
		},
	}
}

// endpoints are all operations by X-Amz-Target. Two of the same target, and a row
// whose operation the model does not have, are mistakes in the program.
func (a *API) endpoints(rates Rates, shared Taker, extra []Operation) map[string]*endpoint {
	all := map[string]*endpoint{}
	add := func(target string, e *endpoint) {
		if all[target] != nil {
			panic(fmt.Sprintf("api: operation %s is there twice", target))
		}
		all[target] = e
	}
	for _, o := range a.operations() {
		if _, ok := wire.Lookup(o.name); !ok {
			panic(fmt.Sprintf("api: the model has no operation %s", o.name))
		}
		add(targetPrefix+o.name, o.endpoint(rates, shared))
	}
	for _, o := range extra {
		add(o.Target, o.endpoint())
	}
	return all
}
