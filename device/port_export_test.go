package device

// NewPTY gives the tests outside this package a line whose other end they play.
var NewPTY = newPTY
