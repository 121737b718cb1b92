package envelope

import (
	"errors"
	"fmt"
)

// Refusal is an error that a person or a server acts on: it carries a code of
// the table in codes.go, and a detail that tells refusals of one code apart.
type Refusal struct {
	Code   string // E01 ...
	Detail string // after the colon; may be empty
	why    error
}

// Refuse makes a refusal; the message follows "cannot <do> <what>: <why>".
func Refuse(code, detail, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Detail: detail, why: fmt.Errorf(format, args...)}
}

// Full is the code with its detail, E05:missing-role.
func (r *Refusal) Full() string {
	if r.Detail == "" {
		return r.Code
	}
	return r.Code + ":" + r.Detail
}

// Why is the message without the code.
func (r *Refusal) Why() string { return r.why.Error() }

func (r *Refusal) Error() string { return r.why.Error() + " [" + r.Full() + "]" }

func (r *Refusal) Unwrap() error { return r.why }

// CodeOf returns the full code of an error, or "" when it carries none.
func CodeOf(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Full()
	}
	return ""
}
