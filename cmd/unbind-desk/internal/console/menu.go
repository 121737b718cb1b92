package console

import "unbindd/cmd/unbind-desk/internal/desk"

// entry is one entry of the menu.
type entry struct {
	Name, Path string
	Here       bool
}

// Entry is the entry of the menu for a part of the console.
func (p page) Entry(part, path string) entry {
	return entry{p.T("menu." + part), path, p.Here == part}
}

// mark is a state as a page shows it.
type mark struct {
	Status status
	Word   string
}

// Mark is a state's sign with its word.
func (p page) Mark(s status, state desk.State) mark { return mark{s, p.Word("state", state)} }

// onward is the way to the next page of a list.
type onward struct{ Path, Label, Name string }

// Onward is the way to the next page of a list.
func (p page) Onward(path string) onward {
	return onward{path, p.T("pages"), p.T("pages.next")}
}

// Say is what the catalogue says about a fixed word of the house; nothing where
// it does not know the word.
func (p page) Say(kind, word string) string {
	if text := p.T(kind + "." + word); text != missing(kind+"."+word) {
		return text
	}
	return ""
}

// Dot is the sign of a step, which its words repeat.
func (p page) Dot(phase string) string {
	return map[string]string{"done": "✓", "now": "●", "passed": "·", "ahead": "○"}[phase]
}
