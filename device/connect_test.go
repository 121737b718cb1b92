package device

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestNodeEventEndsThePauseAndResetsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tty")
	r := newReader(Config{Path: path}, Options{})
	for _, step := range []struct {
		name   string
		change func() error
	}{
		{"the line comes", func() error { return os.WriteFile(path, nil, 0o600) }},
		{"the line goes", func() error { return os.Remove(path) }},
		{"it is a link now", func() error { return os.Symlink(os.DevNull, path) }},
		{"it leads elsewhere", func() error { return os.Rename(linkTo(t, "/dev/zero"), path) }},
	} {
		r.seen = appearanceOf(path)
		next := make(chan time.Duration, 1)
		go func() { next <- r.rest(time.Hour) }()
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		if pause := <-next; pause != 0 {
			t.Errorf("%s: the next pause is %v", step.name, pause)
		}
	}
}

func linkTo(t *testing.T, target string) string {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// The line may have moved before the pause began.
func TestPauseKnowsWhatTheLineWasWhenItWasOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tty")
	r := newReader(Config{Path: path}, Options{})
	r.seen = appearanceOf(os.DevNull)
	if pause := r.rest(time.Hour); pause != 0 {
		t.Errorf("the next pause is %v", pause)
	}
}

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	r := newReader(Config{Path: "/nothing"}, Options{Retry: RetryConfig{BackoffMax: 5 * time.Nanosecond}})
	pause := time.Nanosecond
	for _, want := range []time.Duration{2, 4, 5, 5} {
		if pause = r.rest(pause); pause != want {
			t.Errorf("pause %v, want %v", pause, want)
		}
	}
}

// TestPausesAreForgottenBehindAConnectionThatLived: one that dies at once every time is no reason to hurry.
func TestPausesAreForgottenBehindAConnectionThatLived(t *testing.T) {
	c := RetryConfig{}.withDefaults()
	for lived, want := range map[time.Duration]time.Duration{
		0: 4 * time.Second, c.KeepAlive - 1: 4 * time.Second, c.KeepAlive: c.BackoffFirst, time.Hour: c.BackoffFirst,
	} {
		if pause := c.after(lived, 4*time.Second); pause != want {
			t.Errorf("behind %v: %v, want %v", lived, pause, want)
		}
	}
}

// A hang-up is known by the line itself: the path may lead there as before.
func TestLineThatHangsUpIsLost(t *testing.T) {
	master, p := newPort(t)
	l := newLine(p, 115200, RetryConfig{}.withDefaults())
	ended := make(chan struct{})
	go func() { l.receive(longestFrame, func([]byte) {}); close(ended) }()
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	<-ended
	if l.isAlive() {
		t.Fatal("it is not lost")
	}
	if !errors.Is(l.cause, ErrHangup) {
		t.Errorf("cause %v", l.cause)
	}
	if err := l.write([]byte{1}); err == nil {
		t.Error("a lost line takes bytes")
	}
}
