package agent

import (
	"encoding/json"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/wipe"
)

// What must hold. check is asked at every step, in the middle of everything, and
// after every cut; the others before an act that cannot be taken back.

func (w *world) check() {
	if told := w.shelf.told; told != nil && w.disk.pages.kept.number < told.number {
		w.violate("the journal answered a commit as written, and it is not durable")
	}
	if seen := w.disk.changes + len(w.acked); seen != w.looked {
		for _, seq := range w.acked {
			if text := saleBody(seq); !w.inLedger(seq, text) && !w.desk.has(text) {
				w.violate("the acknowledged transaction %d is lost", seq)
			}
		}
		w.looked = seen
	}
	if w.reader.told > 0 {
		w.violate("the reader was ordered to erase after it had erased")
	}
}

// inLedger says whether a transaction would be there and readable if the power
// went now and took everything with it that is not durable.
func (w *world) inLedger(seq uint32, text string) bool {
	f := w.disk.leads[ledgerName].kept
	if f == nil || len(f.blocks) < int(seq) || f.blocks[seq-1].kept != text {
		return false
	}
	for _, name := range keyFiles[keys.Data] {
		if k := w.disk.leads[name].kept; k == nil || k.blocks[0].kept != "key" {
			return false
		}
	}
	return true
}

// mayErase is asked before reader or host lose anything: all of it must rest on
// what is durable, not on what is only in memory.
func (w *world) mayErase(step string) {
	if w.cancelled {
		w.violate("%s erases although a cancel was accepted", step)
	}
	kept := w.disk.pages.kept
	if w.clear == kept {
		return
	}
	run, _ := w.runs.of(w, kept, "run", "head")
	o, there := w.opens.of(w, kept, "notes", noteOpened)
	var status journal.Status
	if raw := kept.note("steps", step); raw != nil {
		w.must(w.reading.read(raw, &status))
	}
	switch {
	case !run.Crossed || run.Outcome != journal.Running:
		w.violate("%s erases, and the crossing is not durable", step)
	case !there:
		w.violate("%s erases, and the record that destruction began is not durable", step)
	case status.State != "doing":
		w.violate("%s erases, and the journal has it as %q", step, status.State)
	}
	w.rests(kept, o)
	w.clear, w.erased = kept, true
}

// rests looks whether an erase rests on a receipt that is durable, or on the
// signed word that allows its absence, and covers every transaction.
func (w *world) rests(kept *page, o opened) {
	r, ok := w.receipts.of(w, kept, "notes", noteReceipt)
	if o.Auth.Kind == "receipt" {
		if have, given := w.desk.backups[r.Subject]; !ok || !given || w.digestOf(r) != o.Auth.Digest || w.digestOf(have.receipt) != w.digestOf(r) {
			w.violate("an erase, and the receipt it rests on is not durable")
		}
	} else if len(w.desk.carried) == 0 {
		w.violate("an erase without receipt and without a sealed file on the medium")
	}
	for _, seq := range w.acked {
		if !w.desk.has(saleBody(seq)) {
			w.violate("an erase, and the transaction %d is in no backup", seq)
		}
	}
}

// mayEnd is asked before a file of the host goes: the identity's last.
func (w *world) mayEnd(name string) {
	if !slices.Contains(keyFiles[keys.Identity], name) {
		return
	}
	kept := w.disk.pages.kept
	s, _ := w.words.of(w, kept, "notes", noteSigned)
	r, receipted := w.deskHas.of(w, kept, "notes", noteDeskHas)
	_, allowed := w.caseNow().allows(command.AllowPartial)
	receipted = receipted && r.Subject == s.Digest && w.desk.certs[s.N] == s.Digest
	if !w.closedOn(kept, s) && !(receipted && (s.Result == certificate.Complete || allowed)) {
		w.violate("the identity goes, and the receipt for the certificate is not durable")
	}
	if !w.durable(stoneName, "stone") {
		w.violate("the identity goes, and the tombstone is not durable")
	}
}

// closedOn says whether a close of that very certificate is durable.
func (w *world) closedOn(kept *page, s signedWord) bool {
	var on envelope.Digest
	text := kept.note("notes", noteClose)
	if text == nil {
		return false
	}
	w.must(json.Unmarshal(text, &on))
	return on == s.Digest
}

func (w *world) durable(name, text string) bool {
	c := w.disk.leads[name]
	return c != nil && c.kept != nil && slices.Equal(c.kept.texts(true), []string{text})
}

// mayBury is asked before the journal goes, which is last.
func (w *world) mayBury() {
	if !w.durable(stoneName, "stone") {
		w.violate("the journal goes, and the tombstone is not durable")
	}
	s, _ := w.words.of(w, w.disk.pages.kept, "notes", noteSigned)
	if !w.desk.revealed && !w.closedOn(w.disk.pages.kept, s) {
		w.violate("the journal goes, and the desk was not told")
	}
	for _, class := range keyFiles {
		for _, name := range class {
			if w.disk.leads[name].kept != nil {
				w.violate("the journal goes, and the key %s is still there", name)
			}
		}
	}
}

// judge holds a certificate, at the moment it is signed, against what was done.
func (w *world) judge(p *certificate.Predicate) {
	if p.Reader.Outcome == outcomeErased && (w.reader.keysLeft() > 0 || w.reader.counter != 8) {
		w.violate("the certificate says that the reader was erased, and it holds %d keys", w.reader.keysLeft())
	}
	for _, m := range p.Media {
		true, touched := w.truth[m.Name]
		if touched && wipe.Level(m.LevelAchieved).Rank() > true.Rank() {
			w.violate("the certificate says %s of %s, and it was %s", m.LevelAchieved, m.Name, true)
		}
		if w.h.Weak && touched && !slices.Contains(m.Residual, wipe.AroundSwap) {
			w.violate("the certificate does not say of %s that memory was paged out", m.Name)
		}
		if m.Verified == certificate.Pass && w.comesBack(w.paths[m.Name]) {
			w.violate("the certificate says that %s is gone, and a cut would bring it back", m.Name)
		}
	}
	if p.Result == certificate.Complete && (w.h.Weak || w.reader.keysLeft() > 0) {
		w.violate("the certificate says complete, and it is not")
	}
	if p.Receipt.Kind == "receipt" && !slices.ContainsFunc(w.desk.order, func(d envelope.Digest) bool { return w.digestOf(w.desk.backups[d].receipt) == p.Receipt.Digest }) {
		w.violate("the certificate names a receipt that the desk never gave")
	}
}

// comesBack says whether a name that is gone would be there again after a cut.
func (w *world) comesBack(p string) bool {
	name := w.place(p)
	for _, have := range w.disk.names {
		if within(have, name) && w.disk.leads[have].kept != nil {
			return true
		}
	}
	return false
}

// settled is asked when a history is over.
func (w *world) settled() {
	if w.disk.find(journalName) != nil {
		w.untouched()
		return
	}
	for _, seq := range w.acked {
		if !w.desk.has(saleBody(seq)) {
			w.violate("the terminal is unbound, and the transaction %d is in no backup", seq)
		}
	}
	switch {
	case !w.durable(stoneName, "stone"):
		w.violate("the terminal is unbound without a tombstone")
	case w.cancelled:
		w.violate("the terminal is unbound although a cancel was accepted")
	case w.desk.last == 0 && w.tally["close"] == 0:
		w.violate("the terminal is unbound and the desk never saw a certificate")
	}
	if w.desk.finished() {
		w.count("ended done")
	} else {
		w.count("ended partial")
	}
}

// untouched is a terminal that trades: nothing of it is gone.
func (w *world) untouched() {
	if w.erased || w.reader.keysLeft() < len(readerSlots) || w.disk.find(stoneName) != nil {
		w.violate("the terminal trades, and something was erased")
	}
	for _, class := range keyFiles {
		for _, name := range class {
			if w.disk.find(name) == nil {
				w.violate("the terminal trades without %s", name)
			}
		}
	}
}
