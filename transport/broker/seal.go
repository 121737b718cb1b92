package broker

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// idSize is the length of a question's random name in bytes. It is also what
// keeps an old answer from fitting a new question.
const idSize = 16

const (
	questionLabel = "unbindd-pipe-question/1"
	answerLabel   = "unbindd-pipe-answer/1"
	partLabel     = "unbindd-pipe-part/1"
)

// Speaker signs: the key of a TLS certificate, with the certificate's chain.
type Speaker struct {
	Chain [][]byte // DER, its own first
	Key   crypto.Signer
}

// said is what a question's signature is over: whose topic it is on, its name,
// and every word of it.
func (q Question) said(terminal, id string) []byte {
	sum := sha256.Sum256(q.Body)
	return lp(questionLabel, terminal, id, q.Method, q.Path, lines(flat(q.Header)), string(sum[:]))
}

// said is what an answer's signature is over: the very question, and every word
// of the answer.
func (a Answer) said(question []byte) []byte {
	of, sum := sha256.Sum256(question), sha256.Sum256(a.Body)
	return lp(answerLabel, string(of[:]), strconv.Itoa(a.Code), lines(flat(a.Header)), string(sum[:]))
}

// partSaid is what the signature of one part is over: whose topic it is on, what it
// is a part of, its place, and its bytes. Sig stands for all the rest.
func (h head) partSaid(terminal string, piece []byte) []byte {
	sum := sha256.Sum256(piece)
	return lp(partLabel, terminal, h.ID, string(h.Sig), strconv.Itoa(h.Part), strconv.Itoa(h.Parts), string(sum[:]))
}

// own signs the parts of what a speaker says on a terminal's topic.
func (s Speaker) own(terminal string) func(head, []byte) ([]byte, error) {
	return func(h head, piece []byte) ([]byte, error) { return s.sign(h.partSaid(terminal, piece)) }
}

// lp is each field's length as u16 and then its bytes, as docs/WIRE.md has it.
func lp(fields ...string) []byte {
	var out []byte
	for _, f := range fields {
		out = binary.BigEndian.AppendUint16(out, uint16(len(f)))
		out = append(out, f...)
	}
	return out
}

// flat keeps the first value of each header; none of ours has two.
func flat(h http.Header) map[string]string {
	out := map[string]string{}
	for name := range h {
		out[http.CanonicalHeaderKey(name)] = h.Get(name)
	}
	return out
}

func lines(h map[string]string) string {
	var all []string
	for name, value := range h {
		all = append(all, name+": "+value+"\n")
	}
	slices.Sort(all)
	return strings.Join(all, "")
}

func headerOf(h map[string]string) http.Header {
	out := http.Header{}
	for name, value := range h {
		out.Set(name, value)
	}
	return out
}

// tooLong refuses fields whose length does not fit their count.
func tooLong(fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return len(f) > 0xffff })
}

// sign signs a text as the algorithm of the key wants it.
func (s Speaker) sign(text []byte) ([]byte, error) {
	if _, ok := s.Key.Public().(ed25519.PublicKey); ok {
		return s.Key.Sign(rand.Reader, text, crypto.Hash(0))
	}
	sum := sha256.Sum256(text)
	return s.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
}

// verify checks a signature against a certificate that is believed.
func verify(cert *x509.Certificate, text, sig []byte) error {
	alg := x509.ECDSAWithSHA256
	switch cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
	case ed25519.PublicKey:
		alg = x509.PureEd25519
	case *rsa.PublicKey:
		alg = x509.SHA256WithRSA
	default:
		return errors.New("cannot check a signature: the key is of another kind")
	}
	return cert.CheckSignature(alg, text, sig)
}

// chainOf parses the certificates of a message.
func chainOf(ders [][]byte) ([]*x509.Certificate, error) {
	if len(ders) == 0 || len(ders) > 4 {
		return nil, errors.New("cannot tell who speaks: there is no certificate")
	}
	var chain []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("cannot tell who speaks: %w", err)
		}
		chain = append(chain, c)
	}
	return chain, nil
}

func newID() (string, error) {
	id := make([]byte, idSize)
	if _, err := rand.Read(id); err != nil {
		return "", fmt.Errorf("cannot name a question: %w", err)
	}
	return hex.EncodeToString(id), nil
}
