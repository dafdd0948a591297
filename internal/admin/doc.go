// Package admin is what an operator does that a customer of the API cannot: fill
// the inventory, give numbers to accounts and activate them, read a message's
// whole story, look after carriers and make the simulator fail.
//
// Operations returns these as operations of the API server, under the target
// prefix HeliographAdmin: POST /, signed as every request, with JSON bodies whose
// members are written as in the configuration. Only the root of the
// installation's first account may call them.
package admin
