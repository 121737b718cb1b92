// Package crash is the crash lab: it cuts the power where no kill can.
//
// It promises that a sync that is missing is seen. A program works in a mounted
// folder that writes down, in order, what the program did to it and what the
// program said was done; from that record the lab builds the folder as a medium
// may give it back after a cut at every operation, with what was not flushed
// dropped, torn, reordered or turned to garbage, and asks the real code what it
// makes of each. A case that fails prints the words that repeat it. What it
// cannot show is in docs/CRASH.md.
//
// All of it is tests, because the mount needs a library that no program of this
// house may carry; and that library is not for 32 bits.
//
//	main_test.go     the test binary as the program that works
//	trace_test.go    the record: one operation after the other, in a file
//	mount_test.go    the mounted folder that writes the record
//	fault_test.go    a call that fails, of every kind that the kernel passes on
//	calls_test.go    every call fails, at every place
//	again_test.go    what is asked of a store that is there
//	handle_test.go   its open files and folders
//	disk_test.go     what a medium has for certain, and what it may have
//	image_test.go    one choice of what was lost, as files
//	digest_test.go   what names an image in every run
//	variants_test.go which choices are made at one point
//	replay_test.go   every point, every choice, judged; the figures
//	lab_test.go      a store under test: recorded, then replayed
//	foreign_test.go  a store that may not be imported from here
//	program_test.go  one of our programs, running
//	scene_test.go    everybody who takes part in an unbinding
//	whole_test.go    the terminal's power cut at every moment of one, in two depths
//	whole_all_test.go    every image of it carried to its end, with a book that remembers
package crash
