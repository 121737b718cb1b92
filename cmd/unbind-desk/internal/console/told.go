package console

import "regexp"

// sentence is something the desk wrote down, in the reader's language where that
// is known; else as it stands, which is English.
type sentence struct {
	Text    string
	English bool // it stands as it was written
}

// sayings are the sentences that the desk writes into histories and alarms, and
// their keys in the catalogue; what varies in them is A, B, C, D.
var sayings = []struct {
	form *regexp.Regexp
	key  string
}{
	{regexp.MustCompile(`^command drafted$`), "told.drafted"},
	{regexp.MustCompile(`^signed by (\S+) as (\S+)$`), "told.signed"},
	{regexp.MustCompile(`^draft withdrawn$`), "told.withdrawn"},
	{regexp.MustCompile(`^command published$`), "told.published"},
	{regexp.MustCompile(`^published in campaign (\S+)$`), "told.campaign"},
	{regexp.MustCompile(`^papers published$`), "told.papers"},
	{regexp.MustCompile(`^(cancel|amend|close) published$`), "told.follow"},
	{regexp.MustCompile(`^answer (\S+) (\S*)$`), "told.answer"},
	{regexp.MustCompile(`^answer (\S+) (\S*) to an order that is not known here$`), "told.nobodys"},
	{regexp.MustCompile(`^manifest received$`), "told.manifest"},
	{regexp.MustCompile(`^backup restored and receipted$`), "told.backup"},
	{regexp.MustCompile(`^ticket received$`), "told.ticket"},
	{regexp.MustCompile(`^successor accepted$`), "told.successor"},
	{regexp.MustCompile(`^certificate (\S+), reader (\S+)$`), "told.certificate"},
	{regexp.MustCompile(`^backup counted again by (\S+)$`), "told.custody"},
	{regexp.MustCompile(`^certificate (\d+) validated as (\S+) by (\S+) as (\S+)$`), "told.validated"},
	{regexp.MustCompile(`^certificate (\d+) rejected by (\S+) as (\S+)$`), "told.rejected"},
	{regexp.MustCompile(`^tombstone revealed$`), "told.tombstone"},
	{regexp.MustCompile(`^it was unbound in case (\S+) and asks again with the key it reported destroyed$`), "told.haunted"},
	{regexp.MustCompile(`^this serial number was retired in case (\S+) and shows up again as terminal (\S+)$`), "told.returned"},
	{regexp.MustCompile(`^it cannot be read, or what it names cannot, and the takeover (\S+) passed it over$`), "told.passed"},
}

// told says one of the desk's sentences.
func (s speech) told(text string) sentence {
	if s.Lang == english {
		return sentence{text, true}
	}
	for _, saying := range sayings {
		m := saying.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		var words []any
		for _, w := range m[1:] {
			words = append(words, s.Word("term", w))
		}
		return sentence{s.Of(saying.key, words...), false}
	}
	return sentence{text, true}
}
