package main

import (
	"os"
	"testing"
	"time"
)

func TestProcessorTimeIsReadBehindTheName(t *testing.T) {
	got, err := usedIn("12 (a) b (c) S 1 12 12 0 -1 4194560 900 0 0 0 7 5 0 0 20 0 9 0 100 0 0")
	if err != nil || got != 120*time.Millisecond {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := usedIn("12 (a) S 1"); err == nil {
		t.Error("a line that is cut short was read")
	}
	if _, err := used(os.Getpid()); err != nil {
		t.Error(err)
	}
}
