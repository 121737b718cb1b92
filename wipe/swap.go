package wipe

import "fmt"

// swaps notes which files are swap areas that are in use. Who cannot say so meets
// them all the same: the kernel lets nobody write into one.
func (w *work) swaps() {
	all, err := w.sys.Swaps()
	if err != nil {
		return
	}
	w.swapped = map[Inode]bool{}
	for _, of := range all {
		w.swapped[of] = true
	}
}

// swapOff has the kernel take its memory back from a file of the target that is
// swap, before anything else: what is in it then is nobody's any more. The kernel
// refuses where there is not memory enough for all that lies there; the file
// stays then, and its target fails.
func (w *work) swapOff(o *opened) error {
	if !w.swapped[o.st.inode()] {
		return nil
	}
	w.note("swap-off")
	if err := w.sys.SwapOff(o.fd); err != nil {
		return fmt.Errorf("cannot switch off the swap in a file: %w", err)
	}
	o.climb(rungSwapOff)
	return nil
}
