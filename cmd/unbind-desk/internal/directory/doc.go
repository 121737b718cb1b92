// Package directory is where everything of a desk stands on disk, and how such
// a directory is founded: CA, keys, profiles, first trust bundle, store.
//
// It promises that a directory is founded whole or not at all: everything is
// made beside it and renamed into place, and nothing that is there is touched.
//
//	directory.go  the paths
//	found.go      founding a directory
//	bundle.go     the first trust bundle and the profiles it names
//	readme.go     the README that is written into it
package directory
