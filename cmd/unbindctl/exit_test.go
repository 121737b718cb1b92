package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

func TestExitOf(t *testing.T) {
	forbidden := errors.Join(local.ErrNotReachable, &fs.PathError{Op: "dial", Path: "s", Err: fs.ErrPermission})
	for _, c := range []struct {
		err  error
		want exit
	}{
		{nil, exitDone},
		{errors.New("any"), exitFailed},
		{misuse(errors.New("any")), exitUsage},
		{misconfigured(errors.New("any")), exitConfig},
		{verdict(exitBlocked), exitBlocked},
		{fmt.Errorf("cannot: %w", forbidden), exitLogin},
		{fmt.Errorf("cannot: %w", local.ErrNotReachable), exitUnreachable},
		{errNoAnswer, exitUnreachable},
		{fmt.Errorf("cannot: %w", context.Canceled), exitDetached},
		{&local.Error{Code: "role"}, exitLogin},
		{&local.Error{Code: "login:expired"}, exitLogin},
		{&local.Error{Code: "E22:power"}, exitBlocked},
		{&local.Error{Code: "E27"}, exitBlocked},
		{&local.Error{Code: "E05:same-holder"}, exitRefused},
		{&local.Error{Code: "E23"}, exitRefused},
		{&local.Error{Code: "E99"}, exitFailed},
		{&local.Error{Message: "no code"}, exitFailed},
		{envelope.Refuse("E02", "", "any"), exitFailed},
	} {
		if got := exitOf(c.err); got != c.want {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.want)
		}
	}
}

// TestExitTableIsInTheHelp: every code that can be ended with is explained.
func TestExitTableIsInTheHelp(t *testing.T) {
	help := exitTable()
	for _, code := range []exit{0, 1, 2, 3, 4, 5, 6, 7, 8, 78, 130} {
		if !strings.Contains(help, fmt.Sprintf("%3d  %s\n", code, code.means().en)) || code.means().zh == "" {
			t.Errorf("exit %d is not explained", code)
		}
	}
	if strings.Count(help, "\n") != 11 {
		t.Errorf("the table has other rows:\n%s", help)
	}
}

// TestSilentDaemonIsNotWaitedForForEver: a daemon that takes the question and
// says nothing counts as not reachable.
func TestSilentDaemonIsNotWaitedForForEver(t *testing.T) {
	ctx, stop := context.WithTimeoutCause(t.Context(), time.Millisecond, errNoAnswer)
	defer stop()
	_, err := ask(ctx, func(ctx context.Context) (local.Status, error) {
		<-ctx.Done()
		return local.Status{}, ctx.Err()
	})
	if exitOf(err) != exitUnreachable {
		t.Errorf("ends with %d: %v", exitOf(err), err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestFullDiskIsAFailure(t *testing.T) {
	var said strings.Builder
	tool := &tool{in: strings.NewReader(""), out: &paper{to: full{}}, err: &paper{to: &said}, env: func(string) string { return "" }}
	if code := tool.run(t.Context(), []string{"version"}); code != exitFailed || !strings.Contains(said.String(), "cannot write the output") {
		t.Errorf("ended with %d: %s", code, &said)
	}
}
