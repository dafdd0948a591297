package sns

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
)

// confirmSubscription confirms a subscription by the token that its endpoint got.
func (s *Service) confirmSubscription(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return nil, err
	}
	return s.confirm(ctx, n, f, true)
}

func (s *Service) confirm(ctx context.Context, n named, f form, signed bool) ([]any, error) {
	token, err := f.required("Token")
	if err != nil {
		return nil, err
	}
	if s.Directory.Account(n.account) == nil {
		return nil, notFound("Topic")
	}
	var id string
	err = s.change(ctx, n.account, func(tx *resources.Tx) error {
		if tx.Topics.Get(n.topic) == nil {
			return notFound("Topic")
		}
		for _, item := range tx.Subscriptions.All() {
			v := item.Value
			if v.Topic != n.topic || v.Token == "" || subtle.ConstantTimeCompare([]byte(v.Token), []byte(token)) != 1 {
				continue
			}
			if id = v.ID; v.Confirmed {
				return nil // it was asked for twice
			}
			if tx.Now.After(v.TokenUntil) {
				return invalid("Token", "Invalid token: it is too old; subscribe again")
			}
			v.Confirmed, v.Authenticated = true, signed
			v.AuthenticateUnsubscribe = f.get("AuthenticateOnUnsubscribe") == "true"
			tx.Subscriptions.Put(v.ID, v)
			return nil
		}
		return invalid("Token", "Invalid token")
	})
	if err != nil {
		return nil, err
	}
	return []any{element("SubscriptionArn", s.Place.subscriptionARN(n.account, n.topic, id))}, nil
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
		if s.Directory.Account(n.account) == nil {
			return service.Answer{}, notFound("Subscription")
		}
		if err := s.endSubscription(ctx, n, false); err != nil {
			return service.Answer{}, err
		}
		return answer(action, newID(), nil), nil
	}
	n, err := s.Place.parse("TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return service.Answer{}, err
	}
	members, err := s.confirm(ctx, n, f, false)
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
