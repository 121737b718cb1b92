package help

import (
	"fmt"
	"strings"
)

// Language says whether a name, such as zh, zh-CN or zh_CN.UTF-8, means Chinese, and
// whether it means one of the two languages of the house at all.
func Language(name string) (chinese, ours bool) {
	name = strings.ToLower(name)
	if i := strings.IndexAny(name, "-_.@"); i >= 0 {
		name = name[:i]
	}
	return name == "zh", name == "zh" || name == "en"
}

// Machine says whether the environment wants Chinese: a variable of the program's own
// where there is one, then LC_ALL, LC_MESSAGES and LANG, and the first that says anything
// decides. They speak for more than this program, so another language than ours is
// English and no error.
func Machine(env func(string) string, own ...string) (chinese bool) {
	for _, name := range append(own, "LC_ALL", "LC_MESSAGES", "LANG") {
		if says := env(name); says != "" {
			chinese, _ = Language(says)
			return chinese
		}
	}
	return false
}

// Asked is what --lang says in a command line that nobody has looked at yet and that may
// not hold, so that help and errors are in that language, too; "" where it is not given.
func Asked(args []string) (name string) {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if after, given := strings.CutPrefix(arg, "--lang="); given {
			name = after
		}
		if arg == "--lang" && i+1 < len(args) {
			name = args[i+1]
		}
	}
	return name
}

// Wanted says whether a program is to speak Chinese: by --lang where it names a language of
// the house, else by the Machine. What --lang says that is none of ours is an error of the
// call, and told in the language of whoever sits there.
func Wanted(args []string, env func(string) string, own ...string) (chinese bool) {
	if chinese, ours := Language(Asked(args)); ours {
		return chinese
	}
	return Machine(env, own...)
}

// Flag is a flag --lang. What it says is Asked before anything is said at all.
type Flag string

// Set refuses a language that is none of ours.
func (f *Flag) Set(name string) error {
	if _, ours := Language(name); !ours {
		return fmt.Errorf("%q is neither zh nor en", name)
	}
	*f = Flag(name)
	return nil
}

func (f *Flag) String() string { return string(*f) }

// Type is what the help calls the value.
func (f *Flag) Type() string { return "zh|en" }
