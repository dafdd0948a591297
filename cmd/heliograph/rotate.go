package main

import (
	"fmt"

	"heliograph/internal/admin"
)

// rotateDataCommand is one of the keys commands.
type rotateDataCommand struct {
	Master bool `help:"Only wrap the data keys that there are with the master key that is configured now."`
}

// Run has the server rotate the keys of data at rest.
func (c rotateDataCommand) Run(s *session) error {
	server, err := s.client()
	if err != nil {
		return err
	}
	var out admin.RotateDataKeysOutput
	if err := server.call(s.ctx, "RotateDataKeys", admin.RotateDataKeysInput{MasterOnly: c.Master}, &out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Data key %d encrypts. %d data keys were wrapped with another master key before; %s wraps all of them now.\n",
		out.DataKey, out.Rewrapped, out.Master)
	return err
}
