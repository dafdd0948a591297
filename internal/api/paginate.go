package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sort"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

const (
	// defaultPage is how many items an answer holds where MaxResults is not
	// given: the most that the model allows.
	defaultPage = 100
	// tokenLife is how long a NextToken can be used.
	tokenLife = 24 * time.Hour
	tagSize   = 16
)

// page cuts one answer's worth out of items, which ascend by key, and gives the
// NextToken for the rest, nil where there is none.
//
// A token holds the key of the last item answered, so pages stay in step when
// resources come and go between them. It is signed, and bound to the account, the
// operation and scope: the request without MaxResults and NextToken. One that is
// forged, older than a day or used with another request is INVALID_NEXT_TOKEN.
func page[T any](c *Call, items []T, key func(T) string, maxResults *int32, nextToken *string, scope wire.Shape) ([]T, *string, error) {
	if nextToken != nil {
		after, err := readToken(c, *nextToken, scope)
		if err != nil {
			return nil, nil, err
		}
		items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > after }):]
	}
	limit := defaultPage
	if maxResults != nil {
		limit = int(*maxResults)
	}
	if len(items) <= limit {
		return items, nil, nil
	}
	items = items[:limit]
	next := makeToken(c, key(items[limit-1]), scope)
	return items, &next, nil
}

// inOrder is the page key of resources as tables list them, oldest first.
func inOrder[T any](item *resources.Item[T]) string {
	return fmt.Sprintf("%016x%s", item.Created.UnixMilli(), item.ID)
}

// A token is the tag, the second it was made in (8 bytes) and the key, in URL-safe
// base64.

func makeToken(c *Call, key string, scope wire.Shape) string {
	b := make([]byte, tagSize, tagSize+8+len(key))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Now.Unix()))
	b = append(b, key...)
	copy(b, tokenTag(c, b[tagSize:], scope))
	return base64.RawURLEncoding.EncodeToString(b)
}

func readToken(c *Call, token string, scope wire.Shape) (string, error) {
	refuse := func(text string) (string, error) {
		return "", sms.Invalid(sms.ReasonInvalidNextToken, "NextToken", "NextToken %s.", text)
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) < tagSize+8 || !hmac.Equal(b[:tagSize], tokenTag(c, b[tagSize:], scope)) {
		return refuse("is not one that was answered to this request; the other members have to stay the same from page to page")
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(b[tagSize:])), 0)
	if c.Now.Sub(made) > tokenLife {
		return refuse("is older than 24 hours; begin again without it")
	}
	return string(b[tagSize+8:]), nil
}

// tokenTag signs what a token holds together with what it is bound to.
func tokenTag(c *Call, content []byte, scope wire.Shape) []byte {
	mac := hmac.New(sha256.New, c.pageKey)
	for _, field := range [...][]byte{[]byte(c.AccountID + c.caller), []byte(c.Operation), content, scope.AppendWire(nil)} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		mac.Write(size[:])
		mac.Write(field)
	}
	return mac.Sum(nil)[:tagSize]
}
