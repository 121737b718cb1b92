package configs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// reading is one file on its way into a load.
type reading struct {
	*load
	name string
	text []byte
	seen map[string]*token.Token // where each key stands
}

// file puts a file's values over what was there. YAML is a large language; of
// it only groups, plain values and lists of plain values are taken, because
// everything else can mean something that its writer does not see.
func (l *load) file(name string, content []byte) {
	r := &reading{load: l, name: name, text: content, seen: map[string]*token.Token{}}
	parsed, err := parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return
	}
	for i, doc := range parsed.Docs {
		if i > 0 {
			r.problem(doc.Start, "a second document in one file", "remove the line ---")
			return
		}
		if doc.Body != nil && doc.Body.Type() != ast.NullType {
			r.group("", doc.Body)
		}
	}
}

// syntax tells what the parser could not read.
func (r *reading) syntax(err error) {
	var told yaml.Error
	if !errors.As(err, &told) || told.GetToken() == nil {
		r.problems = append(r.problems, Problem{Where: r.name, Text: "this is not YAML: " + err.Error()})
		return
	}
	message, hint := told.GetMessage(), ""
	if strings.Contains(message, "\t") {
		message, hint = strings.ReplaceAll(message, "\t", "tab"), "indent with spaces, not with tabs"
	}
	r.problem(told.GetToken(), "this is not YAML: "+message, hint)
}

func (r *reading) problem(at *token.Token, text, hint string) {
	p := r.spot(at).problem()
	p.Text, p.Hint = text, hint
	r.problems = append(r.problems, p)
}

// spot is where a token stands; without one it is the file.
func (r *reading) spot(at *token.Token) spot {
	s := spot{source: r.name}
	if at != nil && at.Position != nil {
		s.line, s.column = at.Position.Line, at.Position.Column
		s.source = fmt.Sprintf("%s:%d:%d", r.name, s.line, s.column)
		s.excerpt = excerpt(r.text, s.line, s.column)
	}
	return s
}

// group reads the keys below prefix, which is empty or ends with a dot.
func (r *reading) group(prefix string, node ast.Node) {
	entries, ok := entriesOf(node)
	if !ok {
		what := "the file"
		if prefix != "" {
			what = strings.TrimSuffix(prefix, ".")
		}
		r.problem(node.GetToken(), what+" is a group of keys, not "+describe(node), "")
		return
	}
	for _, e := range entries {
		r.entry(prefix, e)
	}
}

func entriesOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func (r *reading) entry(prefix string, e *ast.MappingValueNode) {
	at := e.Key.GetToken()
	name, ok := e.Key.(*ast.StringNode)
	if !ok {
		r.problem(at, "a key must be a plain word", "")
		return
	}
	key := prefix + name.Value
	k, known := r.schema[key]
	if !known || name.Value == "" || strings.Contains(name.Value, ".") {
		r.unknown(prefix, name.Value, at)
		return
	}
	if first, twice := r.seen[key]; twice {
		r.problem(at, fmt.Sprintf("%s stands here twice", key), fmt.Sprintf("it stands in line %d already", first.Position.Line))
		return
	}
	r.seen[key] = at
	if k == group {
		r.group(key+".", e.Value)
		return
	}
	r.leaf(key, k, e.Value)
}

func (r *reading) unknown(prefix, word string, at *token.Token) {
	meant := r.schema.elsewhere(word)
	if meant == "" {
		meant = r.schema.nearest(prefix, word)
	}
	text := fmt.Sprintf("%s is not a key", quoted(word))
	if prefix != "" {
		text += " of " + strings.TrimSuffix(prefix, ".")
	}
	r.problem(at, text, didYouMean(meant))
	if prefix == "mqtt." { // whatever its name is, it may be a password
		r.problems[len(r.problems)-1].Excerpt = ""
	}
}

func (r *reading) leaf(key string, k kind, node ast.Node) {
	var value any
	var ok bool
	before := len(r.problems)
	if k == list {
		value, ok = r.list(key, node)
	} else {
		value, ok = r.scalar(key, k, node)
	}
	if key == passwordFile {
		for i := range r.problems[before:] {
			r.problems[before+i].Excerpt = ""
		}
	}
	if ok {
		r.set(key, value, r.spot(node.GetToken()))
	}
}

// scalar reads a plain value.
func (r *reading) scalar(key string, k kind, node ast.Node) (any, bool) {
	written, ok := r.written(key, k, node)
	if !ok {
		return nil, false
	}
	value, wrong := valueOf(k, written)
	if wrong != nil {
		r.problem(node.GetToken(), key+": "+wrong.text, wrong.hint)
		return nil, false
	}
	return value, true
}

// written is a plain value as it stands in the file. Text must look like text:
// YAML would turn a serial number such as 0123 into another number, and a
// model called off into false.
func (r *reading) written(key string, k kind, node ast.Node) (string, bool) {
	hint := ""
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if k != text {
			return node.GetToken().Value, true
		}
		hint = "put it in quotes"
	case *ast.NullNode:
		if k == text {
			hint = `write "" for an empty text`
		}
	}
	r.problem(node.GetToken(), fmt.Sprintf("%s is %s, not %s", key, k, describe(node)), hint)
	return "", false
}

func (r *reading) list(key string, node ast.Node) ([]string, bool) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		hint := ""
		if _, plain := node.(*ast.StringNode); plain {
			hint = "write [" + node.GetToken().Value + "]"
		}
		r.problem(node.GetToken(), fmt.Sprintf("%s is %s, not %s", key, list, describe(node)), hint)
		return nil, false
	}
	all, sound := []string{}, true
	for _, entry := range sequence.Values {
		one, ok := r.scalar("an entry of "+key, text, entry)
		if !ok {
			sound = false
			continue
		}
		all = append(all, one.(string))
	}
	return all, sound
}

func describe(node ast.Node) string {
	switch node.Type() {
	case ast.StringType, ast.LiteralType:
		return "text"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.BoolType:
		return "yes or no"
	case ast.NullType:
		return "nothing"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a group of keys"
	}
	return "an anchor, an alias or a tag"
}
