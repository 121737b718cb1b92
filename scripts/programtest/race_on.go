//go:build race

package programtest

// Raced says that this build has the race detector.
const Raced = true
