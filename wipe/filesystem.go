package wipe

import "golang.org/x/sys/unix"

// filesystem is what overwriting a file is worth on one kind of file system.
type filesystem struct {
	name     string
	best     Level
	residual []string // what a file that was erased well still leaves there
}

// Code words for what may be left.
const (
	residualNames  = "names"         // file names, in the journal or in folders' blocks
	residualAttrs  = "xattrs"        // extended attributes, in the journal or log; they were overwritten in their place
	residualOld    = "old-versions"  // blocks of versions that were replaced earlier
	residualFlash  = "stale-flash"   // pages that the flash put aside before the overwrite
	residualRAM    = "ram"           // memory, until it is used again or the power goes
	residualSwap   = "swap"          // memory that was paged out
	residualCopies = "copies-below"  // the layer below keeps what was there
	residualLinks  = "hard-links"    // another name of an erased file exists; its content is gone
	residualMoved  = "moved-blocks"  // the overwrite went to other blocks than the content
	residualKept   = "kept"          // names that the order says to keep
	residualOther  = "exchanged"     // a name led to something else before it could be unlinked
	residualUnread = "unoverwritten" // unlinked without an overwrite

	residualHolders = "open-holders"   // somebody has something of it open
	residualUnseen  = "holders-unseen" // nobody may look who has it open
	residualJournal = "journal-copies" // the journal holds content, and could not be emptied

	residualUnsearched = "journal-unsearched" // the search did not reach all of the journal
)

// onMedium is what overwriting in place leaves on a medium that may be flash.
var onMedium = []string{residualNames, residualOld, residualFlash}

// noFilesystem is where even the root is not there: nothing limits what can be
// said about nothing.
var noFilesystem = filesystem{"none", LevelClear, nil}

var unknownFilesystem = filesystem{"unknown", LevelLogical, []string{residualCopies, residualNames}}

// filesystems goes by the magic number of statfs(2). Clear needs an overwrite
// that reaches the blocks; where a layer in between writes elsewhere, or nobody
// knows, the name is gone and no more than that can be said.
var filesystems = map[int64]filesystem{
	unix.EXT4_SUPER_MAGIC:      {"ext4", LevelClear, onMedium}, // and ext2, ext3
	unix.XFS_SUPER_MAGIC:       {"xfs", LevelClear, onMedium},
	unix.F2FS_SUPER_MAGIC:      {"f2fs", LevelClear, onMedium},
	unix.MSDOS_SUPER_MAGIC:     {"vfat", LevelClear, onMedium},
	unix.TMPFS_MAGIC:           {"tmpfs", LevelClear, []string{residualRAM, residualSwap}},
	unix.RAMFS_MAGIC:           {"ramfs", LevelClear, []string{residualRAM}},
	unix.BTRFS_SUPER_MAGIC:     {"btrfs", LevelLogical, []string{residualCopies, residualNames}},
	unix.OVERLAYFS_SUPER_MAGIC: {"overlayfs", LevelLogical, []string{residualCopies, residualNames}},
	unix.FUSE_SUPER_MAGIC:      {"fuse", LevelLogical, []string{residualCopies, residualNames}},
	unix.EROFS_SUPER_MAGIC_V1:  {"erofs", LevelLogical, []string{residualCopies, residualNames}},
	unix.SQUASHFS_MAGIC:        {"squashfs", LevelLogical, []string{residualCopies, residualNames}},
	ubifsMagic:                 {"ubifs", LevelLogical, []string{residualCopies, residualNames}},
}

const ubifsMagic = 0x24051905

func filesystemOf(magic int64) filesystem {
	if fs, ok := filesystems[magic]; ok {
		return fs
	}
	return unknownFilesystem
}
