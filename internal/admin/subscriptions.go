package admin

import (
	"context"
	"math"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/embedded/sns"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// ListSubscriptionsInput names an account.
type ListSubscriptionsInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
}

// Subscription is a subscription of an embedded topic.
type Subscription struct {
	ID       string    `json:"id"`
	Topic    string    `json:"topic"`
	Protocol string    `json:"protocol"`
	Endpoint string    `json:"endpoint"` // without the password that its URL may have
	State    string    `json:"state"`    // confirmed; asked, where its endpoint took the request to confirm; or waiting
	Created  time.Time `json:"created"`
	// DeadLetters is how many there are, at least that many where More is true.
	DeadLetters int  `json:"dead_letters"`
	More        bool `json:"more,omitempty"`
}

// ListSubscriptionsOutput are those of an account, the oldest first.
type ListSubscriptionsOutput struct {
	Subscriptions []Subscription `json:"subscriptions"`
}

// ListDeadLettersInput names a subscription. After is the answer's Next of the page
// before.
type ListDeadLettersInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
	ID      string `json:"id"`
	After   *int64 `json:"after,omitempty"`
}

// ListDeadLettersOutput is a page of them, the oldest of each node first.
type ListDeadLettersOutput struct {
	DeadLetters []sns.DeadLetter `json:"dead_letters"`
	Next        *int64           `json:"next,omitempty"` // where there are more
}

// countedDeadLetters bounds what is counted, and deadLetterPage what one answer has: a
// message can have 256 KiB.
const (
	countedDeadLetters = 10_000
	deadLetterPage     = 50
)

type subscriptions struct {
	account   string
	directory *resources.Directory
	letters   sns.List
}

// Subscriptions are the operations on subscriptions of embedded topics.
func Subscriptions(account string, directory *resources.Directory, letters sns.List) []api.Operation {
	a, root := &subscriptions{account, directory, letters}, &operations{Options{Account: account}}
	return []api.Operation{
		operation(root, "ListSubscriptions", a.list),
		operation(root, "ListDeadLetters", a.listDeadLetters),
	}
}

func (a *subscriptions) find(account string) (*resources.Snapshot, error) {
	if account == "" {
		account = a.account
	}
	s := a.directory.Account(account)
	if s == nil {
		return nil, sms.Invalid(sms.ReasonInvalidParameter, "account", "There is no account %q.", account)
	}
	return s, nil
}

func (a *subscriptions) list(ctx context.Context, in ListSubscriptionsInput) (ListSubscriptionsOutput, error) {
	s, err := a.find(in.Account)
	if err != nil {
		return ListSubscriptionsOutput{}, err
	}
	out := ListSubscriptionsOutput{Subscriptions: []Subscription{}}
	for _, item := range s.Subscriptions.All() {
		v := &item.Value
		n, err := sns.CountDeadLetters(ctx, a.letters, s.Account.ID, v.ID, countedDeadLetters)
		if err != nil {
			return ListSubscriptionsOutput{}, err
		}
		state := "waiting"
		if v.Confirmed {
			state = "confirmed"
		} else if !v.Asked.IsZero() {
			state = "asked"
		}
		out.Subscriptions = append(out.Subscriptions, Subscription{ID: v.ID, Topic: v.Topic, Protocol: v.Protocol, Endpoint: sns.Shown(v.Endpoint),
			State: state, Created: item.Created, DeadLetters: n, More: n == countedDeadLetters})
	}
	return out, nil
}

func (a *subscriptions) listDeadLetters(ctx context.Context, in ListDeadLettersInput) (ListDeadLettersOutput, error) {
	s, err := a.find(in.Account)
	if err != nil {
		return ListDeadLettersOutput{}, err
	}
	if s.Subscriptions.Get(in.ID) == nil {
		return ListDeadLettersOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "id", "There is no subscription %q.", in.ID)
	}
	after := int64(math.MinInt64)
	if in.After != nil {
		after = *in.After
	}
	letters, next, more, err := sns.DeadLetters(ctx, a.letters, s.Account.ID, in.ID, after, deadLetterPage)
	if err != nil {
		return ListDeadLettersOutput{}, err
	}
	out := ListDeadLettersOutput{DeadLetters: letters}
	if more {
		out.Next = &next
	}
	return out, nil
}
