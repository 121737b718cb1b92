package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// second is a second person at work on a case: what the verbs custody and validate
// have in common.
type second struct{ dir, identity, anchor, key, out string }

func (s *second) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.dir, "dir", "", "fetch the case from the running desk of this directory, and hand what was signed to it")
	f.StringVar(&s.identity, "identity", "", "age identity file that opens the backup")
	f.StringVar(&s.anchor, "anchor", "", "digest of trust bundle version 1, or @FILE, known out of band; with --dir that of the directory where not given")
	f.StringVar(&s.key, "key", "", "the person's private key, PKCS8 in PEM; without one nothing is signed")
	f.StringVar(&s.out, "out", "", "file to write the statement to")
}

// look verifies the case: the folder it was exported to, or, with --dir, the case of
// that name at the desk, through a folder of its own that is gone afterwards.
func (s *second) look(c *cobra.Command, name string) (l dossier.Looked, end func() error, err error) {
	end = func() error { return nil }
	if s.key != "" && s.dir == "" && s.out == "" {
		return l, end, misuse("cannot sign: say with --out or --dir where the statement shall go")
	}
	if err := vacant(s.out); err != nil {
		return l, end, err
	}
	var o dossier.Options
	if o.Anchor, err = s.known(); err != nil {
		return l, end, err
	}
	if s.identity != "" {
		if o.Openers, err = authority.ReadIdentities(s.identity); err != nil {
			return l, end, err
		}
	}
	folder := name
	if s.dir != "" {
		if folder, err = os.MkdirTemp("", "unbind-desk-"); err != nil {
			return l, end, fmt.Errorf("cannot fetch the case: %w", err)
		}
		end = func() error { return os.RemoveAll(folder) }
		at := filepath.Join(folder, "case")
		if _, err := exportCase(c, s.dir, name, at); err != nil {
			return l, end, err
		}
		folder = at
	}
	return dossier.Look(dossier.Folder(folder), o), end, nil
}

// known is the anchor that was given, or the one of the directory; "" is the folder's
// own, which is good to look at a case and not to sign for it: who made the folder
// could have made its trust as well.
func (s *second) known() (anchor envelope.Digest, err error) {
	switch {
	case s.anchor != "":
		if anchor, err = anchorOf(s.anchor); err == nil && !anchor.Valid() {
			err = misuse("cannot use --anchor: want sha256:<64 hex>, or @FILE with it")
		}
		return anchor, err
	case s.dir != "":
		return directory.Dir(s.dir).ReadAnchor()
	case s.key != "":
		return "", misuse("cannot sign: give with --anchor the digest of trust bundle version 1 that you know out of band; the folder's own proves nothing")
	}
	return "", nil
}

// sign signs a statement, holds it against the case once more, and keeps it: in a
// file, at the desk, or both.
func (s *second) sign(c *cobra.Command, e *envelope.Envelope, check func(*envelope.Envelope) error) error {
	if s.key != "" {
		by, err := authority.ReadSigner(s.key)
		if err != nil {
			return err
		}
		if err := errors.Join(e.Add(by), check(e)); err != nil {
			return err
		}
	}
	if s.out != "" {
		if err := keepNew(s.out, e.Encode()); err != nil {
			return err
		}
	}
	if s.key == "" || s.dir == "" {
		return nil
	}
	_, err := operator(s.dir).Publish(c.Context(), e.Encode(), desk.Unseen)
	return err
}

// anchored says whose anchor the case was verified from.
func (s *second) anchored() string {
	if s.anchor == "" && s.dir == "" {
		return "folder"
	}
	return "given"
}

// saySecond says what became of a statement.
func (s *second) saySecond(c *cobra.Command, e *envelope.Envelope) {
	if s.anchored() == "folder" {
		say(c, "%s", text{"The anchor is the folder's own: compare it out of band.", "锚点取自该文件夹本身：请通过其他渠道核对。"}.in())
	}
	switch {
	case s.key == "":
		say(c, "%s", text{"Nothing was signed.", "未签名。"}.in())
	case s.dir != "":
		say(c, "%s", text{"Signed with %s, and kept at the desk: %s", "已用 %s 签名并存入后台：%s"}.in(e.Signatures[0].KeyID, e.Digest()))
	default:
		say(c, "%s", text{"Signed with %s. Next: unbind-desk publish %s", "已用 %s 签名。下一步：unbind-desk publish %s"}.in(e.Signatures[0].KeyID, s.out))
	}
}
