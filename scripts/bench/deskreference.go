package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"unbindd/agent/envelope"
)

// rawDelay is how long `Batch` waits for others, as it was in the facts.
const rawDelay = 2 * time.Millisecond

// reference is the path of the facts, and nothing more: who is known by its
// certificate puts an envelope; one signature is verified, case, receipt and leaf
// are made durable by bbolt's Batch, and the signed receipt goes back.
type reference struct {
	db  *bbolt.DB
	key ed25519.PrivateKey
}

// refer serves the reference path with the certificates of a desk's directory.
func refer(dir string) (err error) {
	shown, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls", "desk.pem"), filepath.Join(dir, "tls", "desk.key"))
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca", "ca.pem"))
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(ca)
	r := &reference{}
	if _, r.key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return err
	}
	if r.db, err = bbolt.Open("reference.db", 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.db.Close()) }()
	r.db.MaxBatchDelay = rawDelay
	if err := r.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{"cases", "receipts", "leaves"} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{shown}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Handler: http.HandlerFunc(r.put)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	fmt.Println("ready", l.Addr().(*net.TCPAddr).String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

// put keeps a certificate; the same bytes get the same receipt, others 409.
func (r *reference) put(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, envelope.MaxSize))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if len(body) == 0 { // the first word on a new connection
		w.WriteHeader(http.StatusNoContent)
		return
	}
	key, err := base64.StdEncoding.DecodeString(req.Header.Get("Device-Key"))
	e, err2 := envelope.Parse(body, envelope.MaxSize)
	if err != nil || err2 != nil || !e.SignedBy(envelope.PublicKey{Alg: envelope.Ed25519, Pub: key}) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	name := []byte(req.URL.Path)
	digest := e.Digest()
	var answer []byte
	err = r.db.Batch(func(tx *bbolt.Tx) error {
		cases, receipts, leaves := tx.Bucket([]byte("cases")), tx.Bucket([]byte("receipts")), tx.Bucket([]byte("leaves"))
		if have := receipts.Get(name); have != nil {
			answer = append([]byte{}, have...)
			return nil
		}
		n, err := leaves.NextSequence()
		if err != nil {
			return err
		}
		text, err := json.Marshal(map[string]any{"subject": digest, "received": time.Now().Unix(), "index": n})
		if err != nil {
			return err
		}
		answer, err = json.Marshal(map[string]any{"payload": text, "sig": ed25519.Sign(r.key, text)})
		return errors.Join(err, cases.Put(name, body), receipts.Put(name, answer), leaves.Put(binary.BigEndian.AppendUint64(nil, n), []byte(digest)))
	})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer) // the client is gone: it will ask again
}
