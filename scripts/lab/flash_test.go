package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// stickKind is one kind of flash.
type stickKind struct {
	name       string
	trimErases bool
}

var sticks = []stickKind{{"flash", false}, {"flash whose trim erases", true}}

// flashMethod is a method, and what is told to the device after it.
type flashMethod struct {
	method
	trim, sanitize bool
}

var flashMethods = append(append([]flashMethod{{method: rm}, {method: shred}}, oursOnFlash()...),
	flashMethod{method: method{name: oursName + " + fstrim", program: "fstrim", erase: ours.erase, deep: true}, trim: true},
	flashMethod{method: method{name: oursName + " + fstrim + sanitize", program: "fstrim", erase: ours.erase, deep: true}, trim: true, sanitize: true},
)

func oursOnFlash() (all []flashMethod) {
	for _, m := range oursOnly {
		all = append(all, flashMethod{method: m})
	}
	return all
}

// runOnFlash plants and erases on ext4 on the flash model, and reads the chips.
func runOnFlash(t *testing.T, kind stickKind, m flashMethod, n amounts) outcome {
	t.Helper()
	chips := newFlash(t, 96*mega, kind.trimErases)
	disk := attach(t, chips.disk())
	g := formOf(t, "ext4 ordered").lay(t, disk)
	g.form.name = kind.name
	age(t, g.root)
	erase := m.erase
	m.method.erase = func(root string) (e evidence, err error) {
		if e, err = erase(root); err == nil && m.trim {
			_, err = call("fstrim", root)
		}
		return e, err
	}
	w := newWords()
	o := eraseOn(t, g, m.method, n, w)
	disk.detach(t)
	if m.sanitize {
		chips.tell(t, "sanitize")
	}
	var err error
	o.flash, err = w.countIn(chips.nand())
	must(t, err)
	s := chips.state(t)
	t.Logf("flash: %d pages programmed, %d moved, %d blocks erased", s.programs, s.moved, s.erasures)
	judge(t, g.form, m.method, o)
	return o
}

// age has the flash written to before anything is planted, as a terminal's is.
func age(t *testing.T, root string) {
	t.Helper()
	for i := range 24 {
		body := bytes.Repeat([]byte(fmt.Sprintf("what was before, %02d, ", i)), 50_000)
		must(t, os.WriteFile(filepath.Join(root, fmt.Sprintf("aged-%02d", i)), body, 0o600))
	}
	for i := 0; i < 24; i += 2 {
		must(t, os.Remove(filepath.Join(root, fmt.Sprintf("aged-%02d", i))))
	}
}

// On flash an overwrite leaves what it went over, in the chips and out of the
// disk's sight; who erased by it has to say so. The level that is reported is held
// against the chips.
func TestErasingOnFlash(t *testing.T) {
	needRoot(t)
	for _, m := range append([]flashMethod{{method: rm}}, oursOnFlash()...) {
		t.Run(m.name, func(t *testing.T) {
			o := runOnFlash(t, sticks[0], m, little)
			if o.flash.of(content) == 0 {
				t.Error("the chips hold nothing, so this flash forgets, which no flash does by itself")
			}
		})
	}
}
