package main

// keysCommand is about keys.
type keysCommand struct {
	RotateData rotateDataCommand `cmd:"" name:"rotate-data" help:"Make a new key for data at rest, and wrap all of them with the master key that is configured."`
}
