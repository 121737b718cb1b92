package main

import (
	"slices"
	"testing"

	"unbindd/agent/local"
)

func TestStepsAreTimedFromTheFirstTryToTheRecord(t *testing.T) {
	var s steps
	more := true
	for _, e := range []local.Event{
		{Kind: "command", State: "accepted", Time: 90},
		{Kind: "step", Name: "inspect", State: "starting", Time: 100},
		{Kind: "step", Name: "inspect", State: "failed", Time: 110},
		{Kind: "step", Name: "inspect", State: "starting", Time: 120},
		{Kind: "step", Name: "inspect", State: "worked", Time: 130},
		{Kind: "step", Name: "inspect", State: "recorded", Time: 140},
		{Kind: "step", Name: "nobody", State: "recorded", Time: 141},
		{Kind: "step", Name: "freeze", State: "starting", Time: 150},
		{Kind: "mode", State: local.Obeying, Time: 151},
		{Kind: "step", Name: "freeze", State: "recorded", Time: 175},
	} {
		more = more && s.take(e)
	}
	if !more {
		t.Error("the events ended early")
	}
	if want := []span{{"inspect", 100, 140}, {"freeze", 150, 175}}; !slices.Equal(s.spans, want) {
		t.Errorf("got %v, want %v", s.spans, want)
	}
	if s.take(local.Event{Kind: "mode", State: local.Unbound}) {
		t.Error("more was asked for after the end")
	}
}
