package sim

import (
	"errors"
	"testing"

	"heliograph/internal/carrier"
)

func TestReceive(t *testing.T) {
	s := &sink{}
	c := begin(t, Options{}, s)
	receive := func() (answer error) {
		answers := 0
		c.Receive(carrier.Inbound{From: "+14255550168", To: "+12065550183", Text: "hi", Total: 2, Number: 1, Reference: 7}, func(err error) {
			answers++
			answer = err
		})
		if answers != 1 {
			t.Fatalf("%d answers", answers)
		}
		return answer
	}
	if err := receive(); err != nil {
		t.Fatal(err)
	}
	if len(s.in) != 1 || s.in[0].At.IsZero() {
		t.Fatalf("the sink got %+v", s.in)
	}
	want := carrier.Inbound{Carrier: "sim", From: "+14255550168", To: "+12065550183", Text: "hi", Total: 2, Number: 1, Reference: 7, At: s.in[0].At}
	if s.in[0] != want {
		t.Errorf("the sink got %+v, want %+v", s.in[0], want)
	}
	refused := errors.New("full")
	s.err = refused
	if err := receive(); !errors.Is(err, refused) {
		t.Errorf("got %v, want what the sink said", err)
	}
	must(t, c.SetFaults(Faults{Down: true}))
	if err := receive(); err == nil || len(s.in) != 2 {
		t.Errorf("a simulator that is down took a message: %v", err)
	}
	must(t, c.Close(t.Context()))
}
