package queue

import (
	"context"

	"heliograph/internal/carrier"
)

// absent is a carrier that is configured no more: it is always down.
type absent string

var _ carrier.Carrier = absent("")

func (a absent) Name() string           { return carrier.OfShard(string(a)) }
func (a absent) Traits() carrier.Traits { return carrier.Traits{} }
func (a absent) Start(context.Context, carrier.Sink, func()) error {
	return nil
}
func (a absent) Room() int                   { return 0 }
func (a absent) State() carrier.State        { return carrier.State{Detail: "not configured"} }
func (a absent) Close(context.Context) error { return nil }
func (a absent) Submit(_ carrier.Part, done func(carrier.Outcome)) {
	done(carrier.Outcome{Kind: carrier.OtherRoute, Detail: "not configured"})
}
