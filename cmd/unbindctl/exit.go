package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// exit is the number a run ends with.
type exit int

const (
	exitDone           exit = 0
	exitFailed         exit = 1
	exitUsage          exit = 2
	exitBlocked        exit = 3
	exitLogin          exit = 4
	exitUnreachable    exit = 5
	exitRefused        exit = 6
	exitRunning        exit = 7
	exitUnacknowledged exit = 8
	exitConfig         exit = 78
	exitDetached       exit = 130
)

// exits is the one table of exit codes: what each means, and what to do now
// when nothing better is known.
var exits = []struct {
	code  exit
	means words
	next  words
}{
	{exitDone, words{"done", "完成"}, words{}},
	{exitFailed, words{"failed", "失败"}, words{"Mend the named cause and try again.", "请消除所述原因后重试。"}},
	{exitUsage, words{"wrong usage", "用法错误"}, words{"Read: unbindctl help", "请查看：unbindctl help（帮助）"}},
	{exitBlocked, words{"blocked, nothing changed", "受阻，未作任何更改"}, words{"Mend the named cause; nothing was changed.", "请消除所述原因；未作任何更改。"}},
	{exitLogin, words{"login or role needed", "需要登录或相应角色"}, words{"Run it as a user who may use the daemon's socket.", "请以有权使用守护进程套接字的用户运行。"}},
	{exitUnreachable, words{"daemon not reachable", "无法连接守护进程"}, words{"See that unbindd runs, or name its socket with --socket.", "请确认 unbindd 正在运行，或用 --socket 指定其套接字。"}},
	{exitRefused, words{"command refused", "指令被拒绝"}, words{"Mend the named cause and load it again.", "请消除所述原因后重新载入。"}},
	{exitRunning, words{"still running", "仍在进行"}, words{"See it again with: unbindctl watch", "可再次查看：unbindctl watch"}},
	{exitUnacknowledged, words{"erased, report not yet acknowledged", "已擦除，报告尚未得到确认"}, words{"See it again with: unbindctl watch", "可再次查看：unbindctl watch"}},
	{exitConfig, words{"bad settings", "设置错误"}, words{"Mend the named environment variable.", "请更正所述环境变量。"}},
	{exitDetached, words{"detached", "已退出跟踪"}, words{"See it again with: unbindctl watch", "可再次查看：unbindctl watch"}},
}

// errNoAnswer means that the daemon took the question and stayed silent.
var errNoAnswer = errors.New("cannot ask the daemon: it does not answer in time")

// fault is an error whose exit code, and perhaps next step, is known where it
// happens.
type fault struct {
	code exit
	err  error
	next words
}

func (f *fault) Error() string { return f.err.Error() }

func (f *fault) Unwrap() error { return f.err }

func misuse(err error) error { return &fault{code: exitUsage, err: err} }

func misconfigured(err error) error { return &fault{code: exitConfig, err: err} }

// verdict ends a verb with an exit code after it has said why on its own.
type verdict exit

func (v verdict) Error() string { return exit(v).means().en }

func said(err error) bool {
	var v verdict
	return err == nil || errors.As(err, &v)
}

// exitOf is the only way from an error to an exit code.
func exitOf(err error) exit {
	var (
		v       verdict
		f       *fault
		refused *local.Error
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &v):
		return exit(v)
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, context.Canceled):
		return exitDetached
	case errors.Is(err, local.ErrNotReachable) && errors.Is(err, fs.ErrPermission):
		return exitLogin
	case errors.Is(err, local.ErrNotReachable), errors.Is(err, errNoAnswer):
		return exitUnreachable
	case errors.As(err, &refused):
		return exitOfCode(refused.Code)
	}
	return exitFailed
}

// exitOfCode sorts what the daemon refused with: a role that is missing, a
// condition of the terminal, or the signed object itself.
func exitOfCode(code string) exit {
	code, _, _ = strings.Cut(code, ":")
	switch code {
	case "login", "role":
		return exitLogin
	case "E22", "E26", "E27":
		return exitBlocked
	}
	if _, known := envelope.MeaningOf(code); known {
		return exitRefused
	}
	return exitFailed
}

func (e exit) means() words {
	for _, row := range exits {
		if row.code == e {
			return row.means
		}
	}
	return words{}
}

func (e exit) next() words {
	for _, row := range exits {
		if row.code == e {
			return row.next
		}
	}
	return words{}
}
