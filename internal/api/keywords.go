package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/encode"
	"heliograph/internal/keyword"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// keywordOwner is a phone number or a pool that keywords are asked of.
type keywordOwner struct {
	kind  sms.ResourceType
	id    string
	pool  string // that the number is in, or the pool itself
	types []sms.NumberType
}

// keptUnder is the id that the own keywords are kept under.
func (o keywordOwner) keptUnder() string { return cmp.Or(o.pool, o.id) }

// ownKeywords are those of an id, committed or being changed.
func ownKeywords(table getter[sms.Keywords], id string) []sms.Keyword {
	if item := table.Get(id); item != nil {
		return item.Value.Own
	}
	return nil
}

// findKeywordOwner finds the phone number or pool that the member OriginationIdentity
// of a request names by its id or ARN; sender IDs take no messages and have no keywords.
// members are the phone numbers of a pool.
//
// Errors: those of resolve; ResourceNotFound.
func findKeywordOwner(c *Call, numbers getter[sms.PhoneNumber], pools getter[sms.Pool], members func(pool string) []*sms.PhoneNumber, idOrARN string) (keywordOwner, error) {
	const field = "OriginationIdentity"
	a, isARN := sms.ParseARN(idOrARN)
	if strings.HasPrefix(idOrARN, "pool-") || isARN && a.Type == sms.TypePool {
		pool, err := find(c, pools, sms.TypePool, idOrARN, field)
		if err != nil {
			return keywordOwner{}, err
		}
		o := keywordOwner{kind: sms.TypePool, id: pool.ID, pool: pool.ID}
		for _, n := range members(pool.ID) {
			o.types = append(o.types, n.Type)
		}
		return o, nil
	}
	n, err := find(c, numbers, sms.TypePhoneNumber, idOrARN, field)
	if err != nil {
		return keywordOwner{}, err
	}
	return keywordOwner{kind: sms.TypePhoneNumber, id: n.ID, pool: n.Value.PoolID, types: []sms.NumberType{n.Value.Type}}, nil
}

// changeKeywords runs change on the own keywords of the identity that a request names
// and stores them. Those of a number in a pool are changed at the pool.
//
// Errors: those of findKeywordOwner; Conflict PHONE_NUMBER_ASSOCIATED_TO_POOL.
func (a *API) changeKeywords(ctx context.Context, c *Call, idOrARN string, change func(keywordOwner, []sms.Keyword) ([]sms.Keyword, error)) (owner keywordOwner, err error) {
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		owner, err = findKeywordOwner(c, tx.PhoneNumbers, tx.Pools, func(pool string) []*sms.PhoneNumber { return poolNumbers(tx, pool) }, idOrARN)
		if err != nil {
			return err
		}
		if owner.kind == sms.TypePhoneNumber && owner.pool != "" {
			return sms.Conflict(sms.ReasonPhoneNumberAssociatedToPool, sms.TypePhoneNumber, owner.id,
				"Phone number %s is in pool %s; its keywords are changed there.", owner.id, owner.pool)
		}
		old := ownKeywords(tx.Keywords, owner.keptUnder())
		own, err := change(owner, old)
		if err == nil && !slices.Equal(own, old) {
			putKeywords(tx, owner.keptUnder(), own)
		}
		return err
	})
	return owner, err
}

// putKeywords keeps the own keywords of an id; none are not kept.
func putKeywords(tx *resources.Tx, id string, own []sms.Keyword) {
	if len(own) > 0 {
		tx.Keywords.Put(id, sms.Keywords{Own: own})
	} else if tx.Keywords.Get(id) != nil {
		tx.Keywords.Delete(id)
	}
}

// putKeyword adds a keyword or writes over it (guide chapter 6, "Add or edit a
// keyword").
//
// Errors: those of canonicalKeyword, checkKeywordMessage, changeKeywords and
// keyword.Put.
func (a *API) putKeyword(ctx context.Context, c *Call, in *wire.PutKeywordRequest) (*wire.PutKeywordResult, error) {
	word, err := canonicalKeyword(in.Keyword, "Keyword")
	if err != nil {
		return nil, err
	}
	if err := checkKeywordMessage(in.KeywordMessage); err != nil {
		return nil, err
	}
	k := sms.Keyword{Keyword: word, Message: in.KeywordMessage, Action: sms.KeywordAction(value(in.KeywordAction))}
	var put sms.Keyword
	owner, err := a.changeKeywords(ctx, c, in.OriginationIdentity, func(o keywordOwner, own []sms.Keyword) (_ []sms.Keyword, err error) {
		quota := sms.ReasonKeywordsPerPhoneNumber
		if o.kind == sms.TypePool {
			quota = sms.ReasonKeywordsPerPool
		}
		own, put, err = keyword.Put(own, k, a.limitsOf(c.Account).Keywords, quota, o.types...)
		return own, err
	})
	if err != nil {
		return nil, err
	}
	return &wire.PutKeywordResult{
		OriginationIdentityArn: new(c.arn(owner.kind, owner.id)), OriginationIdentity: &owner.id,
		Keyword: &put.Keyword, KeywordMessage: &put.Message, KeywordAction: new(string(put.Action)),
	}, nil
}

// deleteKeyword takes a keyword away.
//
// Errors: those of canonicalKeyword, changeKeywords and keyword.Delete.
func (a *API) deleteKeyword(ctx context.Context, c *Call, in *wire.DeleteKeywordRequest) (*wire.DeleteKeywordResult, error) {
	word, err := canonicalKeyword(in.Keyword, "Keyword")
	if err != nil {
		return nil, err
	}
	var deleted sms.Keyword
	owner, err := a.changeKeywords(ctx, c, in.OriginationIdentity, func(o keywordOwner, own []sms.Keyword) (_ []sms.Keyword, err error) {
		own, deleted, err = keyword.Delete(own, word, o.types...)
		return own, err
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteKeywordResult{
		OriginationIdentityArn: new(c.arn(owner.kind, owner.id)), OriginationIdentity: &owner.id,
		Keyword: &deleted.Keyword, KeywordMessage: &deleted.Message, KeywordAction: new(string(deleted.Action)),
	}, nil
}

var keywordFilters = attributes[sms.Keyword]{
	wire.KeywordFilterNameKeywordAction: enumAttribute(func(k sms.Keyword) []string { return []string{string(k.Action)} },
		wire.KeywordActionAutomaticResponse, wire.KeywordActionOptOut, wire.KeywordActionOptIn),
}

// describeKeywords lists the keywords of an identity in alphabetical order, the required
// ones too. A number in a pool has the pool's.
//
// Errors: those of canonicalKeyword and findKeywordOwner; ResourceNotFound for a keyword
// that is given and not there; Validation INVALID_FILTER_VALUES, INVALID_NEXT_TOKEN.
func (a *API) describeKeywords(_ context.Context, c *Call, in *wire.DescribeKeywordsRequest) (*wire.DescribeKeywordsResult, error) {
	s := c.Account
	owner, err := findKeywordOwner(c, s.PhoneNumbers, s.Pools, func(pool string) []*sms.PhoneNumber { return s.Members(pool).Numbers }, in.OriginationIdentity)
	if err != nil {
		return nil, err
	}
	set, err := namedKeywords(keyword.Effective(ownKeywords(s.Keywords, owner.keptUnder()), owner.types...), in.Keywords)
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	if set, err = matchFilters(set, filters, keywordFilters); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	set, next, err := page(c, set, func(k sms.Keyword) string { return k.Keyword }, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeKeywordsResult{
		OriginationIdentityArn: new(c.arn(owner.kind, owner.id)), OriginationIdentity: &owner.id, NextToken: next,
		Keywords: make([]wire.KeywordInformation, len(set)),
	}
	for i, k := range set {
		out.Keywords[i] = wire.KeywordInformation{Keyword: k.Keyword, KeywordMessage: k.Message, KeywordAction: string(k.Action)}
	}
	return out, nil
}

// namedKeywords are those of a set that a request names, or all where it names none.
func namedKeywords(set []sms.Keyword, words []string) ([]sms.Keyword, error) {
	if len(words) == 0 {
		return set, nil
	}
	named := map[string]bool{}
	for i, word := range words {
		canonical, err := canonicalKeyword(word, fmt.Sprintf("Keywords[%d]", i))
		if err != nil {
			return nil, err
		}
		if _, ok := keyword.Find(set, canonical); !ok {
			return nil, keyword.NotFound(canonical)
		}
		named[canonical] = true
	}
	return slices.DeleteFunc(set, func(k sms.Keyword) bool { return !named[k.Keyword] }), nil
}

// canonicalKeyword reads a keyword of a request.
//
// Errors: Validation INVALID_PARAMETER.
func canonicalKeyword(word, field string) (string, error) {
	canonical, ok := keyword.Canonical(word)
	if !ok {
		return "", sms.Invalid(sms.ReasonInvalidParameter, field,
			"%s has to have 1 to %d characters that can be seen, and begins and ends with no space.", field, keyword.MaxLength)
	}
	return canonical, nil
}

// checkKeywordMessage refuses an answer that is longer than a message may be.
//
// Errors: Validation MAXIMUM_SIZE_EXCEEDED.
func checkKeywordMessage(message string) error {
	if _, err := encode.Split(message); err != nil {
		return sms.Invalid(sms.ReasonMaximumSizeExceeded, "KeywordMessage", "KeywordMessage cannot be sent: %s.", err)
	}
	return nil
}

func (a *API) keywordOperations() []operation {
	one := func(c *Call, idOrARN string) []string {
		if strings.HasPrefix(idOrARN, "pool-") {
			return []string{namedARN(c, sms.TypePool, idOrARN)}
		}
		return []string{namedARN(c, sms.TypePhoneNumber, idOrARN)}
	}
	return []operation{
		{"PutKeyword", handle(a.putKeyword), "sms-voice:PutKeyword",
			on(func(c *Call, in *wire.PutKeywordRequest) []string { return one(c, in.OriginationIdentity) })},
		{"DescribeKeywords", handle(a.describeKeywords), "sms-voice:DescribeKeywords",
			on(func(c *Call, in *wire.DescribeKeywordsRequest) []string { return one(c, in.OriginationIdentity) })},
		{"DeleteKeyword", handle(a.deleteKeyword), "sms-voice:DeleteKeyword",
			on(func(c *Call, in *wire.DeleteKeywordRequest) []string { return one(c, in.OriginationIdentity) })},
	}
}
