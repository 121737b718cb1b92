package agent

import (
	"errors"

	"unbindd/agent/local"
	"unbindd/agent/trust"
)

// refuseTrust tells of trust that is not taken over: the step and the code. The log has
// a line of each refusal, the status the last one; a link that repeats it moves the time.
func (a *Agent) refuseTrust(err error) local.Object {
	o := refusedObject("trust", "", err)
	u := local.Untrusted{At: a.Now().UnixMilli(), Why: *o.Error}
	var s *trust.StepError
	if errors.As(err, &s) {
		o.Digest = string(s.Digest)
		u.Step, u.Digest = s.At, o.Digest
	}
	a.show.setUntrusted(&u)
	if known, _ := a.cameBefore(o); !known {
		a.Log.Warn().Str("code", u.Why.Code).Int("step", u.Step).Str("digest", u.Digest).Msg("trust is not taken over")
	}
	return o
}
