package sns

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// confirmSubscription confirms a subscription by the token that its endpoint got.
func (s *Service) confirmSubscription(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return nil, err
	}
	return s.confirm(ctx, n, f, "", true)
}

// confirm confirms the subscription of a token. Where the node does not know it the
// resources are read again once: another node may have made it a moment ago. client is
// who asks without a signature.
func (s *Service) confirm(ctx context.Context, n named, f form, client string, signed bool) ([]any, error) {
	token, err := f.required("Token")
	if err != nil {
		return nil, err
	}
	account := s.Directory.Account(n.account)
	if account == nil {
		return nil, notFound("Topic")
	}
	of, err := byToken(account.Subscriptions.All(), n.topic, token, s.Now())
	if err != nil {
		if account, err = s.missed(ctx, n.account, client, signed); err != nil {
			return nil, err
		}
		if account.Topics.Get(n.topic) == nil {
			return nil, notFound("Topic")
		}
		if of, err = byToken(account.Subscriptions.All(), n.topic, token, s.Now()); err != nil {
			return nil, err
		}
	}
	answer := []any{element("SubscriptionArn", s.Place.subscriptionARN(n.account, n.topic, of.ID))}
	if of.Confirmed {
		return answer, nil // it was asked for twice
	}
	err = s.change(ctx, n.account, func(tx *resources.Tx) error {
		if tx.Topics.Get(n.topic) == nil {
			return notFound("Topic")
		}
		v, err := byToken(tx.Subscriptions.All(), n.topic, token, tx.Now)
		if err != nil || v.Confirmed {
			return err
		}
		v.Confirmed, v.Authenticated = true, signed
		v.AuthenticateUnsubscribe = f.get("AuthenticateOnUnsubscribe") == "true"
		tx.Subscriptions.Put(v.ID, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// byToken is the subscription to a topic that has a token.
func byToken(all []*resources.Item[sms.Subscription], topic, token string, now time.Time) (sms.Subscription, error) {
	for _, item := range all {
		v := &item.Value
		if v.Topic != topic || v.Token == "" || subtle.ConstantTimeCompare([]byte(v.Token), []byte(token)) != 1 {
			continue
		}
		if !v.Confirmed && now.After(v.TokenUntil) {
			return sms.Subscription{}, invalid("Token", "Invalid token: it is too old; subscribe again")
		}
		return *v, nil
	}
	return sms.Subscription{}, invalid("Token", "Invalid token")
}

// Unsigned reports whether a request is for the certificate of signatures, or one of
// the URLs that subscribers get: to confirm their subscription and to end it.
func (s *Service) Unsigned(r *service.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if strings.HasPrefix(r.Path, certificatePrefix) {
		return true
	}
	action := r.Query.Get("Action")
	return r.Path == "/" && (action == "ConfirmSubscription" || action == "Unsubscribe")
}

// AnswerPublic answers these.
func (s *Service) AnswerPublic(ctx context.Context, r *service.Request) (service.Answer, error) {
	if strings.HasPrefix(r.Path, certificatePrefix) {
		return s.certificate(ctx, r.Path)
	}
	f, err := parseForm(r)
	if err != nil {
		return service.Answer{}, err
	}
	action, err := f.action()
	if err != nil {
		return service.Answer{}, err
	}
	if action == "Unsubscribe" {
		n, err := s.Place.parse("SubscriptionArn", f.get("SubscriptionArn"), true)
		if err != nil {
			return service.Answer{}, err
		}
		account := s.Directory.Account(n.account)
		if account == nil {
			return service.Answer{}, notFound("Subscription")
		}
		if account.Subscriptions.Get(n.subscription) == nil {
			if account, err = s.missed(ctx, n.account, r.Client, false); err != nil {
				return service.Answer{}, err
			}
		}
		if account.Subscriptions.Get(n.subscription) != nil {
			if err := s.endSubscription(ctx, n, false); err != nil {
				return service.Answer{}, err
			}
		}
		return answer(action, newID(), nil), nil
	}
	n, err := s.Place.parse("TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return service.Answer{}, err
	}
	members, err := s.confirm(ctx, n, f, r.Client, false)
	if err != nil {
		return service.Answer{}, err
	}
	return answer(action, newID(), members), nil
}

func (s *Service) certificate(ctx context.Context, path string) (service.Answer, error) {
	of, err := s.Signer.identity(ctx)
	if err != nil {
		return service.Answer{}, err
	}
	if path != of.path {
		return service.Answer{}, notFound("The certificate")
	}
	return service.Answer{Header: http.Header{"Content-Type": {"application/x-pem-file"}}, Body: of.pem}, nil
}
