package keying

import (
	"bytes"
	"fmt"
	"slices"
)

// Method says how a check value is made from a key, and how long it is. A check value without its method says
// nothing: the same AES key has two.
type Method byte

// The methods that are in use.
const (
	ZeroBlock      Method = iota + 1 // E(00…), 3 bytes: X9.24-1; with AES only in old systems
	CodeMAC                          // CMAC(00…), 5 bytes: X9.24 for AES, allowed for 3DES
	ZeroBlockLong                    // E(00…), 4 bytes: DES, 3DES and SM4 in China
	GlobalPlatform                   // E(01…), 3 bytes: AES in GlobalPlatform
)

type rule struct {
	name string
	fill byte
	size int
	algs []Algorithm
}

var rules = map[Method]rule{
	ZeroBlock:      {"zero block", 0, 3, []Algorithm{DES, TDES, AES, SM4}},
	CodeMAC:        {"CMAC", 0, 5, []Algorithm{TDES, AES}},
	ZeroBlockLong:  {"zero block of 4 bytes", 0, 4, []Algorithm{DES, TDES, SM4}},
	GlobalPlatform: {"GlobalPlatform", 1, 3, []Algorithm{AES}},
}

// String is the method's name.
func (m Method) String() string {
	if r, known := rules[m]; known {
		return r.name
	}
	return fmt.Sprintf("method %d", byte(m))
}

// KCV is the check value of a key by a method; a method that is not used with the key's algorithm is refused.
func KCV(m Method, k Key) ([]byte, error) {
	r := rules[m]
	if !slices.Contains(r.algs, k.alg) {
		return nil, fmt.Errorf("cannot make check value: %v is not used with %v keys", m, k.alg)
	}
	b, err := k.block()
	if err != nil {
		return nil, fmt.Errorf("cannot make check value: %w", err)
	}
	sum := bytes.Repeat([]byte{r.fill}, b.BlockSize())
	if m == CodeMAC {
		c, err := NewCMAC(k)
		if err != nil {
			return nil, err
		}
		return c.Sum(sum)[:r.size], nil
	}
	b.Encrypt(sum, sum)
	return sum[:r.size], nil
}
