// Package authority makes and reads the keys and certificates of a desk: its
// private CA, the certificates it issues, and key files that stock tools read.
//
// It promises that a key file is never written over and never readable by
// others, that a public key leaves here only in the form openssl takes
// (SubjectPublicKeyInfo, PEM), and that what is secret prints nothing.
//
//	secret.go    a value that prints nothing
//	file.go      writing a file so that it is whole or not there
//	key.go       key files: PKCS8 in, SubjectPublicKeyInfo out
//	ca.go        the CA, the desk's certificate, client certificates
//	identity.go  age identity files, as age-keygen writes them
package authority
