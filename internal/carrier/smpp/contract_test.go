package smpp

import (
	"testing"

	"go.uber.org/goleak"

	"heliograph/internal/carrier/carriertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContract(t *testing.T) {
	binds := []struct {
		name     string
		mode     BindMode
		sessions int // of the configuration
		bound    int
	}{
		{"one transceiver", Transceiver, 1, 1},
		{"three transceivers", Transceiver, 3, 3},
		{"transmitters and receivers", TransmitterReceiver, 2, 4},
	}
	for _, b := range binds {
		t.Run(b.name, func(t *testing.T) {
			carriertest.Run(t, func(t *testing.T) carriertest.Harness {
				centre := startCentre(t, nil)
				config := centre.config()
				config.Bind, config.Sessions = b.mode, b.sessions
				c, err := New(Options{Name: "acme", Config: config, Log: quiet})
				if err != nil {
					t.Fatal(err)
				}
				return carriertest.Harness{
					Carrier: c, Sessions: b.bound,
					Hold: centre.hold, Release: centre.release,
					Down: centre.down, Up: centre.up,
					Delivers: "+14254147755", Fails: "+" + failing,
				}
			})
		})
	}
}
