package wipe_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// plainExt4 is what most tests here need.
var plainExt4 = []string{"mkfs.ext4", "-q", "-F", "-b", "4096"}

// attributed makes files that all have the same attribute, as programs that mark
// theirs do: ext4 keeps one block of it for all.
func attributed(files, size int) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for i := range files {
			path := filepath.Join(dir, fmt.Sprint("f", i))
			must(t, os.WriteFile(path, []byte("nothing"), 0o600))
			must(t, unix.Setxattr(path, "user.long", bytes.Repeat([]byte(canary), size/len(canary)), 0))
		}
	}
}

// linked makes links whose targets are as long as that.
func linked(links, length int) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for i := range links {
			where := append([]byte("/nowhere/"), bytes.Repeat([]byte(canary+"/"), length/len(canary))...)[:length]
			must(t, os.Symlink(string(where), filepath.Join(dir, fmt.Sprint("link", i))))
		}
	}
}

// attributedLinks makes links and pipes that have an attribute; nobody else's can be
// put on them.
func attributedLinks(links, size int) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for i := range links {
			link, pipe := filepath.Join(dir, fmt.Sprint("link", i)), filepath.Join(dir, fmt.Sprint("pipe", i))
			must(t, os.Symlink("nowhere", link))
			must(t, unix.Mkfifo(pipe, 0o600))
			for _, path := range []string{link, pipe} {
				must(t, unix.Lsetxattr(path, "trusted.long", bytes.Repeat([]byte(canary), size/len(canary)), 0))
			}
		}
	}
}

// lockedAttributes is a kernel that lets nobody change an attribute.
type lockedAttributes struct{ wipe.Kernel }

func (lockedAttributes) SetAttribute(int, string, []byte) error { return unix.EPERM }

// neighbours makes files of which every n-th is no part of the target, and stays.
func neighbours(files, n int) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for i := range files {
			name := fmt.Sprintf("%s-%05d.log", canary, i)
			if i%n == 0 {
				name = fmt.Sprintf("stays-stay-%05d.txt", i)
			}
			must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		}
	}
}

// idleTrim is a kernel over a device that says it took the free space, and did not.
type idleTrim struct{ wipe.Kernel }

func (idleTrim) Trim(int) (uint64, error) { return 1, nil }

// unreadLinks is one that does not tell where links lead, over the same.
type unreadLinks struct{ idleTrim }

func (unreadLinks) ReadLink(int, string) (string, error) { return "", unix.EIO }

// TestWhatTheRawMediumHoldsIsTold plants what a file's own blocks do not hold, erases
// it, and searches the raw image: what is found there stands in the evidence, and
// where the evidence is without the word nothing is found.
func TestWhatTheRawMediumHoldsIsTold(t *testing.T) {
	with := func(options ...string) []string { return slices.Concat(plainExt4, options) }
	large := with("-O", "ea_inode")
	for name, c := range map[string]struct {
		mkfs  []string
		sys   wipe.Sys
		depth wipe.Depth
		path  string
		plant func(t *testing.T, dir string)
		word  string
		told  bool // the word must be there; else it must not, and nothing may be found
	}{
		"attributes, blocks":                  {plainExt4, wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(1, 1600), "xattrs", false},
		"attributes, medium without trim":     {plainExt4, withoutTrim{}, wipe.DepthMedium, "app", attributed(1, 1600), "xattrs", false},
		"attributes that files share, blocks": {plainExt4, wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(20, 1600), "xattrs", false},
		"attributes, no journal":              {with("-O", "^has_journal"), wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(3, 1600), "xattrs", false},
		"attributes, fast commits":            {with("-O", "fast_commit"), wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(3, 1600), "xattrs", false},
		"attributes, inline data":             {with("-O", "inline_data"), wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(3, 1600), "xattrs", false},
		"attributes, clusters":                {with("-O", "bigalloc"), wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(3, 1600), "xattrs", false},
		"attributes, ext3":                    {[]string{"mkfs.ext3", "-q", "-F"}, wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(3, 800), "xattrs", false},
		"large attributes, blocks":            {large, wipe.Kernel{}, wipe.DepthBlocks, "app", attributed(1, 16_000), "xattrs", true},
		"large attributes, medium":            {large, wipe.Kernel{}, wipe.DepthMedium, "app", attributed(1, 16_000), "xattrs", false},
		"links with attributes, blocks":       {plainExt4, wipe.Kernel{}, wipe.DepthBlocks, "app", attributedLinks(3, 1600), "xattrs", false},
		"links with attributes, no journal":   {with("-O", "^has_journal"), wipe.Kernel{}, wipe.DepthBlocks, "app", attributedLinks(3, 1600), "xattrs", false},
		"links with small attributes":         {plainExt4, wipe.Kernel{}, wipe.DepthBlocks, "app", attributedLinks(20, 60), "xattrs", false},
		"links whose attributes stay":         {plainExt4, lockedAttributes{}, wipe.DepthBlocks, "app", attributedLinks(3, 1600), "xattrs", true},
		"links whose small attributes stay":   {plainExt4, lockedAttributes{}, wipe.DepthMedium, "app", attributedLinks(20, 60), "xattrs", true},
		"long links, blocks":                  {plainExt4, wipe.Kernel{}, wipe.DepthBlocks, "app", linked(20, 69), "names", true},
		"long links, medium without trim":     {plainExt4, withoutTrim{}, wipe.DepthMedium, "app", linked(20, 200), "names", true},
		"long links, medium":                  {plainExt4, wipe.Kernel{}, wipe.DepthMedium, "app", linked(20, 200), "names", false},
		"long links, a trim that is none":     {plainExt4, idleTrim{}, wipe.DepthMedium, "app", linked(20, 200), "names", true},
		"long links that cannot be read":      {plainExt4, unreadLinks{}, wipe.DepthMedium, "app", linked(20, 200), "names", true},
		"short links, blocks":                 {plainExt4, wipe.Kernel{}, wipe.DepthBlocks, "app", linked(20, 59), "names", false},
		"neighbours that stay":                {plainExt4, wipe.Kernel{}, wipe.DepthMedium, "app/*.log", neighbours(400, 2), "names", true},
		"neighbours in one block":             {plainExt4, wipe.Kernel{}, wipe.DepthMedium, "app/*.log", neighbours(80, 2), "names", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t, 32<<20, "", c.mkfs...)
			must(t, os.Mkdir(filepath.Join(d.root, "app"), 0o700))
			c.plant(t, filepath.Join(d.root, "app"))
			unix.Sync()
			e := erase(t, c.sys, deep(d.root, c.path, c.depth))
			hits := d.hits(canary)
			t.Logf("%d hits, residual %v, %s", hits, e.Residual, e.Technique)
			if e.LevelAchieved != wipe.LevelClear || slices.Contains(e.Residual, c.word) != c.told || hits > 0 && !c.told {
				t.Errorf("%d are on the medium: %+v", hits, e)
			}
		})
	}
}
