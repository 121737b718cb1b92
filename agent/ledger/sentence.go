package ledger

import (
	"fmt"
	"strings"
)

// words is one text in both languages.
type words struct{ en, zh string }

// fill puts the same arguments into both.
func (w words) fill(args ...any) words {
	return words{fmt.Sprintf(w.en, args...), fmt.Sprintf(w.zh, args...)}
}

func (w words) and(more words) words { return words{w.en + more.en, w.zh + more.zh} }

// Sentence tells what the segment is worth to a person.
func (s Segment) Sentence() string { return s.words().en }

// ChineseSentence is Sentence in Chinese.
func (s Segment) ChineseSentence() string { return s.words().zh }

func (s Segment) words() words {
	text := words{"segment %d: ", "账本段 %d："}.fill(s.Segment)
	if what, ok := losses[s.Loss]; ok {
		text = text.and(what)
	}
	switch {
	case s.Whole == 0 && len(s.Missing) == 0 && s.Open:
		return text.and(words{"nothing in it can be read; what came after record %d is not known", "其中没有可读的内容；记录 %d 之后的内容未知"}.fill(s.Last))
	case len(s.Missing) > 0:
		text = text.and(words{"%d of %d records are whole; %s cannot be read", "完整 %d 条，共 %d 条；无法读取：%s"}.fill(s.Whole, s.Records(), spansText(s.Missing)))
	default:
		text = text.and(words{"all %d records are whole", "全部 %d 条记录完整"}.fill(s.Whole))
	}
	return text.and(s.outlook())
}

// outlook is what can be done for the segment, or what is not known of it.
func (s Segment) outlook() words {
	switch {
	case s.Mended:
		return words{"; it was written anew, and the damaged file is kept as %s", "；已重写，损坏的文件保留为 %s"}.fill(s.Kept)
	case s.Open:
		return words{"; what came after record %d is not known", "；记录 %d 之后的内容未知"}.fill(s.Last)
	case s.Mendable:
		return words{"; the file around them is damaged and can be written anew", "；其外围文件已损坏，可以重写"}
	case !s.Sound() && len(s.Missing) == 0:
		return words{"; it cannot be written anew, because the totals before it are not known", "；此前的合计未知，无法重写"}
	}
	return words{}
}

// losses say what lies in the segment's place before its records are counted.
var losses = map[Loss]words{
	CutShort:    {"the file is cut short; ", "文件被截短；"},
	SegmentGone: {"the file is gone; ", "文件不存在；"},
	EndGone:     {"the end of the ledger is gone; ", "账本末尾缺失；"},
	AllGone:     {"the whole ledger is gone; ", "整个账本不存在；"},
	Foreign:     {"the file is no part of this ledger; ", "该文件不属于本账本；"},
}

// Sentence tells the whole to a person, in one.
func (r Report) Sentence() string { return r.words().en }

// ChineseSentence is Sentence in Chinese.
func (r Report) ChineseSentence() string { return r.words().zh }

func (r Report) words() words {
	switch {
	case r.Sound():
		return words{"the ledger is whole: %d records in %d segments", "账本完整：%d 条记录，%d 段"}.fill(r.Whole, len(r.Segments))
	case r.Complete():
		return words{"all %d records of the ledger are whole; a file around them is damaged", "账本的 %d 条记录全部完整；其外围文件已损坏"}.fill(r.Whole)
	case len(r.Missing()) == 0:
		return words{
			"%d records of the ledger are whole; whether there were more after the last of them is not known",
			"账本有 %d 条记录完整；最后一条之后是否还有记录未知",
		}.fill(r.Whole)
	}
	text := words{"%d of %d records of the ledger are whole; %s cannot be read", "账本完整 %d 条，共 %d 条；无法读取：%s"}.fill(r.Whole, r.Records, spansText(r.Missing()))
	if r.Open() {
		text = text.and(words{", and whether there were more is not known", "；其后是否还有记录未知"})
	}
	return text
}

// spansText names them all, up to what a person reads.
func spansText(spans []Span) string {
	const most = 8
	var names []string
	for _, s := range spans[:min(len(spans), most)] {
		names = append(names, s.String())
	}
	if len(spans) > most {
		names = append(names, fmt.Sprintf("… (+%d)", len(spans)-most))
	}
	return strings.Join(names, ", ")
}
