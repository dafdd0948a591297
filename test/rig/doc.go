// Package rig is what the programs around the built server share: a client that
// signs its own requests at little cost, the server as a process, a message
// centre that can go away and come back, and what has go test notice a program that
// changed.
package rig
