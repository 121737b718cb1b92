package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/wipe"
)

// What the gate tries in the reserve is enough for everything that the final
// steps write, were all of it as large as it can be and there at once.
func TestTheTrialIsAsLargeAsAllThatCanCome(t *testing.T) {
	words := []string{wipe.AroundSwap, wipe.AroundUnseen, wipe.AroundImage, wipe.AroundMounts, "exchanged", "hard-links", "unread", "xattrs", "moved", "held"}
	list := listing{Elsewhere: words, Key: make([]byte, 16), Places: map[string]found{}}
	var copies certificate.Copies
	var residue []string
	sum, most := 0, int64(1)<<62
	add := func(v any) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		sum += len(b)
	}
	for i := range maxPlaces + 32 { // and the terminal's own
		name := fmt.Sprintf("transaction-data-%d", i)
		list.Places[name] = found{Items: most, Bytes: most, Unseen: true, Cut: true}
		copies.Places = append(copies.Places, certificate.Place{Name: name, Items: most, Bytes: most, Appeared: most, Left: most, Unseen: true})
		residue = append(residue, name)
		add(begun{Items: most, Bytes: most, Tries: maxTries, Lowered: wipe.LevelLogical, Residual: words, Appeared: most, Leaves: words[:4]})
		add(wipe.Evidence{
			Name: name, Kind: "software", Type: strings.Repeat("t", 64), Method: "overwrite", Technique: strings.Repeat("x", 256), Standard: "none-claimed",
			LevelRequested: wipe.LevelPurgeAsserted, LevelAchieved: wipe.LevelLogical, Verified: "fail", Items: most, Bytes: most, Residual: words, Reason: strings.Repeat("r", 256),
		})
	}
	list.Places["transaction-data-0"] = found{Marks: bytes.Repeat([]byte{0xff}, maxMarks*markSize)}
	add(list)
	add(copies)
	add(residue)
	sum += 2 * envelope.MaxSize // the certificate, and the one before it until the commit is over
	sum += 2 * envelope.MaxCommand
	sum += envelope.MaxSize // the trust of the identity's last moment
	t.Logf("%d bytes of %d", sum, trialSize)
	if sum*3/2 > trialSize { // a page of the journal may be left half empty
		t.Errorf("%d bytes can come, %d are tried", sum, trialSize)
	}
	if trialSize > journalReserve {
		t.Errorf("%d bytes are tried, %d are kept free", trialSize, journalReserve)
	}
}
