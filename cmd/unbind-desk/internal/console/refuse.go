package console

import (
	"errors"
	"net/http"

	"unbindd/agent/envelope"
	"unbindd/agent/said"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/serve"
)

var errNowhere = refusal(desk.ErrAbsent, "E28", "path", "cannot find the page: there is none of that name")

// refused is what a page says of a refusal, in the reader's language: the table's
// sentence and next step, and the desk's own sentence.
type refused struct {
	Code, Sentence, Next string
	Message              sentence
}

// refuse shows what went wrong. What the desk itself could not do is logged and
// not told.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	status := serve.StatusOf(err)
	if status == http.StatusInternalServerError {
		c.Log.Error().Err(err).Msg("a page failed")
		c.failed(err)
	} else {
		c.Log.Info().Str("code", envelope.CodeOf(err)).Int("status", status).Str("route", r.Pattern).Msg("the console refused")
	}
	p := v.page(r, "refused.title", "")
	p.Done = ""
	p.Path = "/cases"
	p.Inside = v.explain(status, err)
	if err := c.show(w, status, "refused", p); err != nil {
		c.Log.Error().Err(err).Msg("a page failed")
		http.Error(w, "The page cannot be made.", http.StatusInternalServerError)
	}
}

// failed hands on what ended a page, for a store in doubt ends the desk.
func (c *Console) failed(err error) {
	if c.Failed != nil {
		c.Failed(err)
	}
}

func (s speech) explain(status int, err error) refused {
	var told *envelope.Refusal
	switch {
	case status == http.StatusInternalServerError:
		return refused{Sentence: s.T("refused.internal"), Next: s.T("refused.again")}
	case status == http.StatusRequestEntityTooLarge:
		told = envelope.Refuse("E01", "bytes", "cannot read the form: it is larger than it may be")
	case !errors.As(err, &told):
		return refused{Sentence: s.T("refused.internal"), Next: s.T("refused.again")}
	}
	out := refused{Code: told.Full(), Message: s.heard(told.Why())}
	if m, ok := envelope.MeaningAt(envelope.AtDesk, told.Full()); ok {
		out.Sentence, out.Next = m.Sentence(s.code()), m.Next(s.code())
	}
	return out
}

// heard is what the desk said, in the reader's language where the catalogue has it.
func (s speech) heard(why string) sentence {
	if s.Lang == english {
		return sentence{why, true}
	}
	chinese := said.Chinese(why)
	return sentence{chinese, chinese == why}
}
