package device_test

import (
	"testing"
)

func TestIdentify(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	id, err := r.Identify(testContext(t))
	must(t, err)
	t.Logf("%+v", id)
	slots, err := r.Slots(testContext(t))
	must(t, err)
	t.Logf("%+v", slots)
}
