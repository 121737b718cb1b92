//go:build !race && (amd64 || arm64) && !android

package crash

const raced = false
