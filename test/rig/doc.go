// Package rig is what the programs around the built server share: a client that
// signs its own requests at little cost, the server as a process, and a message
// centre that can go away and come back.
package rig
