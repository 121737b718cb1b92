package store

// Session is a way into the console: a link that is used once, or what it was
// exchanged for. Name is the digest of the token that opens it, so that who reads
// the store holds nothing that opens anything.
type Session struct {
	Name  string `json:"name"` // 64 hex
	Link  bool   `json:"link,omitempty"`
	Until int64  `json:"until"` // Unix seconds
}

// AddSession writes a new session; ErrTaken when there is one of that name.
func (t *Tx) AddSession(s Session) error { return add(t, inSessions, s.Name, s) }

// Session reads a session by its name, whether its time is over or not.
func (t *Tx) Session(name string) (Session, error) { return get[Session](t, inSessions, name) }

// RemoveSession takes a session away, if it is there.
func (t *Tx) RemoveSession(name string) error { return t.rows.Remove(inSessions, name) }

// Sessions calls each for every session, by name.
func (t *Tx) Sessions(each func(Session) error) error {
	return all(t, inSessions, "", "", func(_ string, s Session) error { return each(s) })
}
