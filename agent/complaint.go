package agent

import "unbindd/agent/journal"

// complaint is a failure that may come again at every turn. The log has its first time,
// each other reason, and its end; what lies between says nothing new.
type complaint struct{ said string }

// news says whether the reason is another than last time, or there is none any more.
func (c *complaint) news(err error) bool {
	said := ""
	if err != nil {
		said = err.Error()
	}
	changed := said != c.said
	c.said = said
	return changed
}

// complain tells it, where it is news.
func (a *Agent) complain(c *complaint, failed, over string, err error) {
	switch {
	case !c.news(err):
	case err != nil:
		a.Log.Error().Err(err).Msg(failed)
	default:
		a.Log.Info().Msg(over)
	}
}

// undoing is the step that is being undone, again and again until it is.
type undoing struct {
	step string
	complaint
}

// news says whether a moment belongs into the log: of an undo its beginning, each reason
// why it fails, and its end; of everything else all.
func (u *undoing) news(e journal.Event) bool {
	switch {
	case e.Moment == journal.Undoing && e.Step == u.step:
		return false
	case e.Moment == journal.Undoing:
		*u = undoing{step: e.Step}
	case e.Moment == journal.Failed && e.Step == u.step:
		return u.complaint.news(e.Err)
	default:
		*u = undoing{}
	}
	return true
}
