package store

// The records in the order of their members: each has its text and its scan.

func (c Case) text() ([]byte, bool) {
	s := blank(512 + 4*len(c.Draft)/3)
	s.id(`{"id":`, c.ID)
	s.id(`,"terminal":`, c.Terminal)
	s.word(`,"state":`, c.State)
	s.number(`,"since":`, c.Since)
	s.digest(`,"command":`, c.Command)
	s.digest(`,"binding":`, c.Binding)
	s.bytes(`,"draft":`, c.Draft)
	s.number(`,"version":`, c.Version)
	if c.Campaign != "" {
		s.digest(`,"campaign":`, c.Campaign)
	}
	return s.done()
}

func (c *Case) scan(raw []byte) bool {
	s := scroll{rest: raw}
	c.head(&s)
	c.Draft = s.bytes(`,"draft":`)
	return c.tail(&s)
}

func (c *Case) head(s *scroll) {
	c.ID = s.id(`{"id":`)
	c.Terminal = s.id(`,"terminal":`)
	c.State = s.word(`,"state":`)
	c.Since = s.number(`,"since":`)
	c.Command = s.digest(`,"command":`)
	c.Binding = s.digest(`,"binding":`)
}

func (c *Case) tail(s *scroll) bool {
	c.Version = s.number(`,"version":`)
	if s.has(`,"campaign":`) {
		c.Campaign = s.digest("")
	}
	return s.done()
}

// outline is a case without its draft.
type outline Case

func (o *outline) scan(raw []byte) bool {
	s, c := scroll{rest: raw}, (*Case)(o)
	c.head(&s)
	s.pass(`,"draft":`)
	return c.tail(&s)
}

func (o Object) text() ([]byte, bool) {
	s := blank(256 + 4*len(o.Body)/3)
	s.number(`{"n":`, o.N)
	s.digest(`,"digest":`, o.Digest)
	s.bytes(`,"body":`, o.Body)
	s.number(`,"received":`, o.Received)
	s.number(`,"leaf":`, o.Leaf)
	return s.done()
}

func (o *Object) scan(raw []byte) bool {
	s := scroll{rest: raw}
	o.N = s.number(`{"n":`)
	o.Digest = s.digest(`,"digest":`)
	o.Body = s.bytes(`,"body":`)
	o.Received = s.number(`,"received":`)
	o.Leaf = s.number(`,"leaf":`)
	return s.done()
}

func (b Binding) text() ([]byte, bool) {
	s := blank(384 + 4*len(b.Envelope)/3)
	s.digest(`{"digest":`, b.Digest)
	s.id(`,"terminal":`, b.Terminal)
	s.number(`,"epoch":`, b.Epoch)
	s.bytes(`,"envelope":`, b.Envelope)
	s.id(`,"nonce":`, b.Nonce)
	return s.done()
}

func (b *Binding) scan(raw []byte) bool {
	s := scroll{rest: raw}
	b.Digest = s.digest(`{"digest":`)
	b.Terminal = s.id(`,"terminal":`)
	b.Epoch = s.number(`,"epoch":`)
	b.Envelope = s.bytes(`,"envelope":`)
	b.Nonce = s.id(`,"nonce":`)
	return s.done()
}

func (c Client) text() ([]byte, bool) {
	s := blank(384)
	s.digest(`{"spki":`, c.SPKI)
	s.word(`,"serial":`, c.Serial)
	s.id(`,"terminal":`, c.Terminal)
	s.digest(`,"binding":`, c.Binding)
	return s.done()
}

func (c *Client) scan(raw []byte) bool {
	s := scroll{rest: raw}
	c.SPKI = s.digest(`{"spki":`)
	c.Serial = s.word(`,"serial":`)
	c.Terminal = s.id(`,"terminal":`)
	c.Binding = s.digest(`,"binding":`)
	return s.done()
}

func (t Terminal) text() ([]byte, bool) {
	s := blank(384)
	s.id(`{"id":`, t.ID)
	s.number(`,"epoch":`, t.Epoch)
	if t.Binding != "" {
		s.digest(`,"binding":`, t.Binding)
	}
	if t.Nonce != "" {
		s.id(`,"nonce":`, t.Nonce)
	}
	s.number(`,"published":`, t.Published)
	if t.Case != "" {
		s.id(`,"case":`, t.Case)
	}
	if t.Earlier != "" {
		s.id(`,"earlier":`, t.Earlier)
	}
	return s.done()
}

func (t *Terminal) scan(raw []byte) bool {
	s := scroll{rest: raw}
	t.ID = s.id(`{"id":`)
	t.Epoch = s.number(`,"epoch":`)
	if s.has(`,"binding":`) {
		t.Binding = s.digest("")
	}
	if s.has(`,"nonce":`) {
		t.Nonce = s.id("")
	}
	t.Published = s.number(`,"published":`)
	if s.has(`,"case":`) {
		t.Case = s.id("")
	}
	if s.has(`,"earlier":`) {
		t.Earlier = s.id("")
	}
	return s.done()
}

func (e Entry) text() ([]byte, bool) {
	s := blank(128)
	s.number(`{"at":`, e.At)
	s.word(`,"state":`, e.State)
	s.word(`,"what":`, e.What)
	return s.done()
}
