package directory

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/blob/folder"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// ErrExists says that there is something where the directory should be founded.
var ErrExists = errors.New("there is something at that place already")

// Founding is what a directory is founded with.
type Founding struct {
	Name      string   // of the desk, for the CA and the log
	Hosts     []string // further names and addresses the desk is reached by
	Inventory []profile.Place
	Now       time.Time
	Random    io.Reader
}

// Founded is what was made.
type Founded struct {
	Anchor envelope.Digest           `json:"anchor"`
	Dir    string                    `json:"dir"`
	Keys   map[string]envelope.KeyID `json:"keys"`
}

var loopback = []string{"127.0.0.1", "::1", "localhost"}

// holders are the demo keys: one person each, one role each.
var holders = []struct {
	name string
	role trust.Role
}{
	{"root-1", trust.Root},
	{"root-2", trust.Root},
	{"root-3", trust.Root},
	{"ops-1", trust.Operations},
	{"ops-2", trust.Operations},
	{"sec-1", trust.Security},
	{"rel-1", trust.Release},
	{"cust-1", trust.Custodian},
	{Receipt, trust.ReceiptKey},
	{Enrol, trust.Enrol},
	{Ticket, trust.Reader},
}

// Found makes a directory at path. It fails with ErrExists when anything is there.
func Found(path string, f Founding) (Founded, error) {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return Founded{}, fmt.Errorf("cannot found %s: %w", path, errors.Join(ErrExists, err))
	}
	beside, err := os.MkdirTemp(filepath.Dir(filepath.Clean(path)), ".founding-")
	if err != nil {
		return Founded{}, fmt.Errorf("cannot found %s: %w", path, err)
	}
	made, err := (&founder{Founding: f, dir: Dir(beside)}).found()
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		return Founded{}, fmt.Errorf("cannot found %s: %w", path, errors.Join(err, os.RemoveAll(beside)))
	}
	made.Dir = path
	return made, authority.SyncDir(filepath.Dir(filepath.Clean(path)))
}

// founder carries what one step makes to the next.
type founder struct {
	Founding
	dir       Dir
	signers   map[string]envelope.Signer
	recipient string
	pin       envelope.Digest
}

func (f *founder) found() (Founded, error) {
	for _, sub := range []string{"keys", "pub", "ca", "tls", "profiles"} {
		if err := os.Mkdir(f.dir.at(sub), 0o700); err != nil {
			return Founded{}, err
		}
	}
	for _, step := range []func() error{f.makeKeys, f.makeIdentity, f.makeCertificates} {
		if err := step(); err != nil {
			return Founded{}, err
		}
	}
	anchor, err := f.makeTrust()
	if err != nil {
		return Founded{}, err
	}
	made := Founded{Anchor: anchor, Keys: map[string]envelope.KeyID{}}
	for name, signer := range f.signers {
		made.Keys[name] = signer.Public().ID()
	}
	return made, errors.Join(
		authority.Create(f.dir.Anchor(), []byte(anchor+"\n"), 0o644),
		authority.Create(f.dir.at("README"), []byte(readme), 0o644),
	)
}

func (f *founder) makeKeys() error {
	f.signers = map[string]envelope.Signer{}
	for _, h := range holders {
		_, key, err := ed25519.GenerateKey(f.Random)
		if err != nil {
			return fmt.Errorf("cannot make a key: %w", err)
		}
		if err := authority.CreateKey(f.dir.Key(h.name), key); err != nil {
			return err
		}
		signer := envelope.NewSigner(key)
		public, err := authority.PublicPEM(signer.Public())
		if err != nil {
			return err
		}
		file := authority.PublicFile(signer.Public().ID())
		if err := authority.Create(f.dir.Public(file), public, 0o644); err != nil {
			return err
		}
		f.signers[h.name] = signer
	}
	return nil
}

func (f *founder) makeIdentity() error {
	identity, recipient, err := backup.NewRecipient()
	if err != nil {
		return err
	}
	if err := proveIdentity(identity, recipient); err != nil {
		return err
	}
	f.recipient = recipient
	return authority.CreateIdentity(f.dir.Identity(), authority.NewSecret([]byte(identity)), recipient, f.Now)
}

// proveIdentity seals an empty backup and opens it: the bundle will say when
// the identity was last shown to open what is sealed for its set.
func proveIdentity(identity, recipient string) error {
	var file bytes.Buffer
	none := strings.Repeat("0", 64)
	header := backup.Header{Case: "proof", Command: "sha256:" + none, First: 1, Prev: none, Terminal: "desk"}
	_, err := backup.Seal(&file, []string{recipient}, header, func(func([]byte) error) (backup.TrailerInput, error) {
		return backup.TrailerInput{Head: "sha256:" + none, Sums: []byte("[]")}, nil
	})
	if err == nil {
		_, _, err = backup.Open(&file, []string{identity}, func([]byte) error { return nil })
	}
	return err
}

func (f *founder) makeCertificates() error {
	ca, err := authority.NewCA(f.Name, f.Now, f.Random)
	if err != nil {
		return err
	}
	deskKey, err := authority.NewTLSKey(f.Random)
	if err != nil {
		return err
	}
	ticketsKey, err := authority.NewTLSKey(f.Random)
	if err != nil {
		return err
	}
	brokerKey, err := authority.NewTLSKey(f.Random)
	if err != nil {
		return err
	}
	desk, err := ca.Server(append(f.Hosts, loopback...), deskKey.Public(), f.Now)
	if err != nil {
		return err
	}
	tickets, err := ca.Client("tickets", "signer", ticketsKey.Public(), f.Now)
	if err != nil {
		return err
	}
	broker, err := ca.Client("unbind-desk", "desk", brokerKey.Public(), f.Now)
	if err != nil {
		return err
	}
	if f.pin, err = authority.SPKI(deskKey.Public()); err != nil {
		return err
	}
	return errors.Join(
		authority.Create(f.dir.CACertificate(), ca.PEM(), 0o644),
		authority.CreateKey(f.dir.CAKey(), ca.Key),
		authority.Create(f.dir.Certificate("desk"), desk.PEM, 0o644),
		authority.CreateKey(f.dir.CertificateKey("desk"), deskKey),
		authority.Create(f.dir.Certificate("tickets"), tickets.PEM, 0o644),
		authority.CreateKey(f.dir.CertificateKey("tickets"), ticketsKey),
		authority.Create(f.dir.Certificate("mqtt"), broker.PEM, 0o644),
		authority.CreateKey(f.dir.CertificateKey("mqtt"), brokerKey),
	)
}

// keep puts the first trust bundle and the profiles where the desk reads them.
func (f *founder) keep(bundle *envelope.Envelope, profiles map[envelope.ID]*envelope.Envelope) (err error) {
	base, err := bolt.Create(string(f.dir))
	if err != nil {
		return err
	}
	s, err := store.New(base)
	if err != nil {
		return errors.Join(err, base.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := folder.Create(f.dir.Blobs()); err != nil {
		return err
	}
	return s.Change(func(tx *store.Tx) error {
		err := tx.AddTrust(1, bundle.Encode())
		for id, e := range profiles {
			err = errors.Join(err, tx.PutProfile(id, e.Encode()))
		}
		return err
	})
}
