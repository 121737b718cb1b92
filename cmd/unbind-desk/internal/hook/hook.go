// Package hook tells partners over HTTP what became of cases, from a queue that
// the desk keeps in its store.
//
// It promises that a message stays in the queue until its partner answered with
// 2xx, whatever restarts, and that a receiver can tell who sent it and when: it is
// signed as Standard Webhooks has it, HMAC-SHA256 over id, time and body. A
// message may come twice, with the same id.
//
//	hook.go     partners, one round of sending
//	partner.go  the file that names them
package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/store"
)

// Bounds of sending: a partner's answer, the pauses after a failure, and how long
// a message belongs to the desk that is sending it.
const (
	answerTime = 20 * time.Second
	firstPause = 5 * time.Second
	lastPause  = time.Hour
	lease      = 60
)

// Queue is where the messages are.
type Queue interface {
	DueHook(partner string, lease int64) (store.Hook, bool, error)
	HookDone(h store.Hook) error
	HookFailed(h store.Hook, wait int64) error
}

// Sender sends what is due.
type Sender struct {
	Queue    Queue
	Partners []Partner
	Client   *http.Client
	Now      func() time.Time
	Log      zerolog.Logger

	mu     sync.Mutex
	failed map[string]string // what went wrong last, by partner; it is told when it changes
}

// NewClient is a client that follows no redirection: what is signed for one
// address is not carried to another.
func NewClient() *http.Client {
	return &http.Client{Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Run sends until ctx ends, each partner what is his and looks for it every so often. No
// partner waits for another, however slow that one answers. It ends by itself only when
// the queue does not know its own state any more.
func (s *Sender) Run(ctx context.Context, every time.Duration) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	return s.each(func(p Partner) error {
		err := s.serve(ctx, p, every)
		if err != nil {
			end()
		}
		return err
	})
}

// each does something for every partner at once, on one goroutine a partner.
func (s *Sender) each(do func(Partner) error) error {
	errs := make([]error, len(s.Partners))
	var all sync.WaitGroup
	for i, p := range s.Partners {
		all.Go(func() { errs[i] = do(p) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Sender) serve(ctx context.Context, p Partner, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := s.tell(ctx, p); errors.Is(err, store.ErrUnknown) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round sends everything that is due now. A partner that does not answer, or whose
// queue cannot be read, is passed over until the next round, and keeps nobody else from
// being told. A round is every second: what goes wrong is in the log when it begins, when
// it becomes another thing, and when it is over.
func (s *Sender) Round(ctx context.Context) (err error) {
	err = s.each(func(p Partner) error { return s.tell(ctx, p) })
	return errors.Join(err, ctx.Err())
}

// tell sends one partner what is due. An error is of the queue.
func (s *Sender) tell(ctx context.Context, p Partner) error {
	for ctx.Err() == nil {
		h, ok, err := s.Queue.DueHook(p.Name, lease)
		if err != nil || !ok {
			s.note(ctx, p, "queue", err)
			return err
		}
		sent, wait := s.send(ctx, p, h), pause(h.Attempts)
		s.note(ctx, p, "partner", sent)
		if sent == nil {
			err = s.Queue.HookDone(h)
		} else {
			err = s.Queue.HookFailed(h, wait)
		}
		s.note(ctx, p, "queue", err)
		if err != nil || sent != nil {
			return err
		}
	}
	return nil
}

// note tells of a partner, or of his queue, what is not as it was the last time.
func (s *Sender) note(ctx context.Context, p Partner, what string, err error) {
	if ctx.Err() != nil {
		return // it is the end that cut it short
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = map[string]string{}
	}
	now, key := "", what+" "+p.Name
	if err != nil {
		now = cause(err)
	}
	was := s.failed[key]
	switch s.failed[key] = now; {
	case now == was:
	case now == "":
		s.Log.Info().Str("partner", p.Name).Str("of", what).Msg("partner told again")
	default:
		s.Log.Warn().Err(err).Str("partner", p.Name).Str("of", what).Msg("partner not told")
	}
}

// cause is what an error comes down to, in words that are the same each time: around it
// there is what differs, as the port that a connection had. A certificate's refusal holds
// the time of day, and a resolver's the port of the question.
func cause(err error) string {
	var expired x509.CertificateInvalidError
	if errors.As(err, &expired) {
		return fmt.Sprintf("certificate %d", expired.Reason)
	}
	var unresolved *net.DNSError
	if errors.As(err, &unresolved) {
		return fmt.Sprintf("name %s %t %t", unresolved.Name, unresolved.IsTimeout, unresolved.IsNotFound)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// pause doubles up to an hour, with full jitter above a second.
func pause(attempts int64) int64 {
	most := firstPause << min(attempts-1, 20)
	if most > lastPause || most <= 0 {
		most = lastPause
	}
	return 1 + rand.Int64N(int64(most/time.Second))
}

func (s *Sender) send(ctx context.Context, p Partner, h store.Hook) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(h.Body))
	if err != nil {
		return fmt.Errorf("cannot tell the partner: %w", nameless(err))
	}
	id, at := fmt.Sprintf("%s-%d", h.Partner, h.N), strconv.FormatInt(s.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+Signature(p.Secret.Reveal(), id, at, h.Body))
	resp, err := s.Client.Do(req)
	if err != nil {
		return fmt.Errorf("cannot tell the partner: %w", nameless(err))
	}
	defer func() { _ = resp.Body.Close() }() // what it says is of no use
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return fmt.Errorf("cannot read the partner's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("cannot tell the partner: it answers %d", resp.StatusCode)
	}
	return nil
}

// nameless takes the address out of an error: a partner's may hold a token, and
// errors go to the log.
func nameless(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// Signature is the base64 of HMAC-SHA256 over id, time and body with dots between.
func Signature(secret []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
