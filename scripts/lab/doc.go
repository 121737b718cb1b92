// Package lab is the forensic lab: it plants words on real file systems, lets rm,
// shred, srm, wipe and package wipe erase them, and then reads the raw medium for
// what is left. There is nothing in it but tests.
//
// It promises: the level that an erase reports is never higher than what the raw
// medium shows, in any case of the lab; the search would find what is there,
// because the same search finds what rm leaves; and what one run counted is
// printed as it was counted.
//
// It needs root, loop devices and /dev/fuse. As root it fails where it cannot run,
// since a lab that is skipped looks like one that has passed. Everything lies in
// the test's own folder, and what was mounted or attached is undone by its name.
//
//	root_test.go      who may run it; commands
//	device_test.go    images, loop devices, mounts
//	word_test.go      the words that are planted, one for each kind of hiding place
//	scan_test.go      the search of a raw image, all words in one pass
//	form_test.go      the file systems, and what is expected of each
//	steps_test.go     what is expected once an erase also reaches below the files
//	plant_test.go     the planter
//	method_test.go    rm, shred, srm, wipe and ours
//	claim_test.go     what a reported level claims, held against the count
//	case_test.go      one method on one file system
//	lab_test.go       the quick half and the whole table
//	page_test.go      docs/LAB.md
//	fscrypt_test.go   encryption by the file system, through raw ioctls
//	ftl_test.go       flash: pages, erase blocks, garbage
//	ftl_read_test.go  what the flash model itself must keep
//	stick_test.go     the flash model as a disk of its own process
//	flash_test.go     erasing on flash
//	life_test.go      a terminal's records on flash, at every moment of their life
package lab
