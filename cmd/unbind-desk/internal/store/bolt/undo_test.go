package bolt

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"unbindd/cmd/unbind-desk/internal/store"
)

// A change that fails is taken back whatever it had read before it wrote, how often
// and in which order: every row stands as it stood, and the next one begins with that.
func TestWhatWasReadIsTakenBack(t *testing.T) {
	b := create(t, t.TempDir())
	t.Cleanup(func() { _ = b.Close() })
	draw := rand.New(rand.NewPCG(18, 81))
	for round := range 80 {
		var wanted string
		calls := []call{
			{said: make(chan error, 1), f: func(r store.Rows) error {
				err := wander(draw, r)
				wanted = told(t, r)
				return err
			}},
			{said: make(chan error, 1), f: func(r store.Rows) error { return errors.Join(wander(draw, r), errSpoilt) }},
			{said: make(chan error, 1), f: func(r store.Rows) error {
				if got := told(t, r); got != wanted {
					t.Errorf("round %d: what failed left %s of %s", round, got, wanted)
				}
				return nil
			}},
		}
		b.commit(calls)
		if one, two, three := <-calls[0].said, <-calls[1].said, <-calls[2].said; one != nil || !errors.Is(two, errAlone) || three != nil {
			t.Fatalf("they came back with %v, %v and %v", one, two, three)
		}
	}
}

// wander reads and writes a few rows this way and that.
func wander(draw *rand.Rand, r store.Rows) error {
	for range 1 + draw.IntN(30) {
		t, key := []store.Table{"cases", "states"}[draw.IntN(2)], fmt.Sprint("k", draw.IntN(5))
		err := error(nil)
		switch value := []byte(fmt.Sprint(draw.IntN(99))); draw.IntN(5) {
		case 0, 1:
			_, err = r.Get(t, key)
		case 2:
			err = r.Put(t, key, value)
		case 3:
			err = r.Add(t, key, value)
		case 4:
			err = r.Remove(t, key)
		}
		if err != nil && !errors.Is(err, store.ErrAbsent) && !errors.Is(err, store.ErrTaken) {
			return err
		}
	}
	return nil
}

func told(t *testing.T, r store.Rows) string {
	one, err := r.List("cases", "", "", 99)
	two, err2 := r.List("states", "", "", 99)
	if err != nil || err2 != nil {
		t.Error(err, err2)
	}
	return fmt.Sprintf("%q %q", one, two)
}
