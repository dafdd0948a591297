package api

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// clientTokenLife is how long a ClientToken is remembered.
const clientTokenLife = 24 * time.Hour

// clientToken is a ClientToken of a request, with what the request asked for.
type clientToken struct {
	id      string // in resources.Tx.ClientTokens
	made    resources.ClientToken
	present bool
}

// newClientToken reads the ClientToken of a call. request is the input without it.
func newClientToken(c *Call, token *string, request wire.Shape) clientToken {
	if token == nil {
		return clientToken{}
	}
	digest := sha256.Sum256(request.AppendWire(nil))
	of := c.Operation + "/"
	if c.shared() { // the owner's tokens are others; none has a space in it
		of += c.caller + " "
	}
	return clientToken{present: true, id: of + *token, made: resources.ClientToken{
		Operation: c.Operation, Token: *token, Request: hex.EncodeToString(digest[:])}}
}

// resource is the id of what an earlier request with this token made, empty where
// there was none in the last 24 hours. The same token with other parameters is a
// ConflictException: RESOURCE_ALREADY_EXISTS, naming what the token made as a
// resource of type t.
func (k clientToken) resource(tx *resources.Tx, t sms.ResourceType) (string, error) {
	if !k.present {
		return "", nil
	}
	item := tx.ClientTokens.Get(k.id)
	if item == nil || !tx.Now.Before(item.Value.Expires) {
		return "", nil
	}
	if item.Value.Request != k.made.Request {
		return "", sms.Conflict(sms.ReasonResourceAlreadyExists, t, item.Value.Resource,
			"The ClientToken was used in the last 24 hours for a request with other parameters; use a new one.")
	}
	return item.Value.Resource, nil
}

// remember keeps the token with the id of what the request made, and forgets those
// that have expired.
func (k clientToken) remember(tx *resources.Tx, resource string) {
	if !k.present {
		return
	}
	for _, item := range tx.ClientTokens.All() {
		if tx.Now.Before(item.Value.Expires) {
			break // they are listed oldest first
		}
		tx.ClientTokens.Delete(item.ID)
	}
	made := k.made
	made.Resource, made.Expires = resource, tx.Now.Add(clientTokenLife)
	tx.ClientTokens.Put(k.id, made)
}

// create makes a resource with its tags once: where an earlier request with the token has
// made it, it is that one. put stores the new one and gives its id.
func create[T any](token clientToken, tx *resources.Tx, t sms.ResourceType, table *resources.Edit[T], tags map[string]string,
	put func() (id string, err error)) (*resources.Item[T], error) {
	earlier, err := token.resource(tx, t)
	if err != nil {
		return nil, err
	}
	if made := table.Get(earlier); made != nil {
		return made, nil
	}
	id, err := put()
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 {
		table.SetTags(id, tags)
	}
	token.remember(tx, id)
	return table.Get(id), nil
}
