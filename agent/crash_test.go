package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/scripts/programtest"
)

// The crash lab runs this binary as the agent that writes its small files in the
// lab's mount, and as the judge of what a power cut left.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("CRASH_WORK") == "files":
		if err := workForLab(os.Getenv("CRASH_DIR")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case os.Getenv("CRASH_JUDGE") != "":
		judgeForLab(os.Stdin, os.Stdout)
	default:
		programtest.OwnMounts()
		os.Exit(programtest.Run(m))
	}
}

func labContent(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "binding %d ", n), 600) }

// workForLab writes the tombstone's file again and again, and in the end gives
// it the name under which a rebound terminal keeps it.
func workForLab(dir string) error {
	told, err := os.OpenFile(filepath.Join(dir, ".told"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer told.Close()
	at := places{dir}
	for n := 1; n <= 4; n++ {
		fmt.Fprintln(told, "begin", n)
		if err := writeFile(at.tombstone(), labContent(n)); err != nil {
			return err
		}
		fmt.Fprintln(told, "ack", n)
	}
	fmt.Fprintln(told, "bury")
	if err := rename(at.tombstone(), at.buried(1)); err != nil {
		return err
	}
	fmt.Fprintln(told, "buried")
	return nil
}

func judgeForLab(in io.Reader, out io.Writer) {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var question []string
		if questions.Decode(&question) != nil {
			return
		}
		verdict := ""
		judge := func() error { return judgeImage(places{question[0]}, question[1:]) }
		if len(question) > 1 && question[1] == "whole" {
			judge = func() error { return judgeWhole(question[0], question[2:]) }
		}
		if err := judge(); err != nil {
			verdict = err.Error()
		}
		if answers.Encode(verdict) != nil {
			return
		}
	}
}

// judgeImage wants one whole version, not older than what was told, in the
// place where it must be.
func judgeImage(at places, told []string) error {
	if len(told) > 0 && strings.HasPrefix(told[0], "key ") {
		return judgeSealed(at, told)
	}
	acked, begun, state := 0, 0, ""
	for _, line := range told {
		_, _ = fmt.Sscanf(line, "ack %d", &acked)
		_, _ = fmt.Sscanf(line, "begin %d", &begun)
		if line == "bury" || line == "buried" {
			state = line
		}
	}
	b, err := os.ReadFile(at.tombstone())
	if errors.Is(err, os.ErrNotExist) && state != "" {
		b, err = os.ReadFile(at.buried(1))
	} else if err == nil && state == "buried" {
		return errors.New("what was buried is back")
	}
	if errors.Is(err, os.ErrNotExist) && acked == 0 {
		return writeFile(at.tombstone(), b)
	}
	if err != nil {
		return err
	}
	for n := max(acked, 1); n <= begun; n++ {
		if bytes.Equal(b, labContent(n)) {
			return writeFile(at.tombstone(), b)
		}
	}
	return fmt.Errorf("%d bytes are no version from %d to %d", len(b), acked, begun)
}
