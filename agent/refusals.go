package agent

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/transport"
)

// A refusal by the other end is signed by nobody: whoever holds the desk's TLS key can
// say it. So nothing ends on it. It is told, and what was refused is told again, ever more
// rarely, until somebody signs: the desk that it has it, or people that the case is over.

// tally counts failures in a row of one sort: a long wait that is refused once must not
// rest as if it had been refused all the time.
type tally struct {
	failures int
	refused  bool
}

// after counts one more failure.
func (t *tally) after(why error) int {
	if refused := onlyRefused(why); refused != t.refused {
		*t = tally{refused: refused}
	}
	t.failures++
	return t.failures
}

// onlyRefused says whether err, and each error that was joined in it, is a refusal in the
// desk's own words.
func onlyRefused(err error) bool {
	return err != nil && firstOf(err, func(e error) bool { return !transport.Permanent(e) }) == nil
}

// firstOf is the first error that is such, of those that flush has joined.
func firstOf(err error, such func(error) bool) error {
	all := []error{err}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		all = many.Unwrap()
	}
	for _, e := range all {
		if e != nil && such(e) {
			return e
		}
	}
	return nil
}

// mostBetween is the longest pause between two tries. Who is refused comes no more often
// than who has nothing to say: a fleet that is refused for ever costs a desk what one that
// trades does. So is who believes nothing of what is on offer, which came whole each time;
// but where a case runs an amendment may lie beside it.
func (a *Agent) mostBetween(why error) time.Duration {
	most := cmp.Or(a.Link.RetryMax, 15*time.Minute)
	var u unbelieved
	offered := errors.As(why, &u) && a.mode() != local.Obeying
	if offered || onlyRefused(why) {
		most = max(most, a.Link.Poll)
	}
	return most
}

// toldBy is what the other end said, under the code that it gave.
func toldBy(err error) (*local.Error, bool) {
	var s *transport.Status
	if !errors.As(err, &s) || s.Err == "" {
		return nil, false
	}
	e := &local.Error{Code: s.Err, Message: strings.ToValidUTF8(err.Error(), "")}
	if m, ok := envelope.MeaningAt(envelope.AtDesk, s.Err); ok {
		e.Next = m.Next(envelope.English)
	}
	return e, true
}
