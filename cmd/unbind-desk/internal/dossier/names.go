// Package dossier is a case as a folder: what its files are called, and whether
// they hold together. It needs no desk and no network, and believes nothing but
// an anchor.
//
// It promises one line for every check, that a check whose grounds are missing
// says so instead of passing, and that a folder from which something was taken
// or in which something was changed does not verify.
//
//	names.go    what the files are called
//	files.go    reading a folder, or a handful of files
//	check.go    the checks in order, and what one says
//	order.go    trust, command, profile, papers, campaign, follow-ups
//	proof.go    manifest, receipt, sealed file, ticket
//	second.go   the custodian's receipt, the validation, and what both are drafted from
//	last.go     certificate, erase record, tombstone, answers, keys
//	content.go  the sealed file opened
//	log.go      the proofs of the desk's log
//	index.go    the desk's list of all files
//	summary.go  what it comes to, for the last line
package dossier

import (
	"fmt"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// The names of a case's files.
const (
	Anchor             = "anchor.txt"
	Trust              = "trust.json" // a JSON array
	Binding            = "binding.json"
	EnrolTicket        = "enrol-ticket.json"
	Profile            = "profile.json"
	Command            = "command.json"
	Papers             = "papers.json"
	Campaign           = "campaign.json"
	Manifest           = "manifest.json"
	Sealed             = "backup.jsonl.zst.age"
	BackupReceipt      = "receipts/backup.json"
	Ticket             = "ticket.json"
	Certificate        = "certificate.json"
	CertificateReceipt = "receipts/certificate.json"
	Custody            = "receipts/custody.json"
	Validation         = "validation.json"
	Tombstone          = "tombstone-reveal.json"
	TombstoneReceipt   = "receipts/tombstone.json"
	History            = "history.json"
	Index              = "index.json"
)

// The folders of what there may be several of.
const (
	answersDir    = "answers"
	ordersDir     = "orders"     // amend, cancel, close, acceptance
	supersededDir = "superseded" // what a later one took the place of
	keysDir       = "keys"
	receiptsDir   = "receipts"
)

var plainNames = map[string]string{
	"command": Command, "papers": Papers, "manifest": Manifest, "receipt-backup": BackupReceipt, "ticket": Ticket,
	"certificate": Certificate, "receipt-certificate": CertificateReceipt, "tombstone": Tombstone,
	"receipt-tombstone": TombstoneReceipt,
	"custody":           Custody, "validation": Validation,
}

// others are the names of what is no object of the case's own.
var others = []string{Anchor, Trust, Binding, EnrolTicket, Profile, Campaign, Sealed, History, Index}

// folders are the folders of a case, with how the names in them end.
var folders = map[string]string{
	answersDir: ".json", ordersDir: ".json", supersededDir: ".json", keysDir: ".pem", receiptsDir: ".json", proofsDir: proofEnd,
}

// MayHold says whether a file by this name can be one of a case.
func MayHold(name string) bool {
	folder, _, nested := strings.Cut(name, "/")
	if nested {
		end, known := folders[folder]
		return known && strings.HasSuffix(name, end)
	}
	if slices.Contains(others, name) {
		return true
	}
	for _, plain := range plainNames {
		if name == plain {
			return true
		}
	}
	return false
}

// NameOf is the name of object n of a kind; counts says that it is the one of
// its kind that counts, which has the plain name.
func NameOf(kind string, n int64, counts bool) string {
	if plain, ok := plainNames[kind]; ok && counts {
		return plain
	}
	switch kind {
	case "answer":
		return fmt.Sprintf("%s/%d.json", answersDir, n)
	case "receipt-answer":
		return fmt.Sprintf("%s/answer-%d.json", receiptsDir, n)
	case "amend", "cancel", "close", "acceptance":
		return fmt.Sprintf("%s/%s-%d.json", ordersDir, kind, n)
	}
	return fmt.Sprintf("%s/%s-%d.json", supersededDir, kind, n)
}

// KeyFile is the name of a public key's file.
func KeyFile(id envelope.KeyID) string { return keysDir + "/" + authority.PublicFile(id) }
