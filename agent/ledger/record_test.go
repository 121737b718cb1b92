package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const goodSale = `{"amount":1200,"auth":"A12345","batch":"000001","card":{"brand":"unionpay","masked":"622848******1234"},` +
	`"currency":"CNY","entry":"chip","evseq":7,"fee":3,"kind":"sale","method":"card","mid":"898320548160001","original":"612345678900",` +
	`"reader":"PX7-1","result":"approved","rrn":"612345678901","stan":"000123","tid":"10000001","time":1790000000}`

const (
	goodEvent   = `{"batch":"000001","evseq":8,"kind":"batch-close","reader":"PX7-1","seq":3,"tid":"10000001","time":1790000001}`
	goodRefused = `{"code":"E25:pan","evseq":9,"kind":"refused","reader":"PX7-1","seq":4}`
)

func TestParseTakesAllThreeForms(t *testing.T) {
	for _, text := range []string{goodSale, goodEvent, goodRefused} {
		r, err := ParseRecord([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := string(r.AppendCanonical(nil)); got != text {
			t.Errorf("it reads\n%s and writes\n%s", text, got)
		}
	}
	r, err := ParseRecord([]byte(goodSale))
	if err != nil || r.Amount != 1200 || *r.Fee != 3 || r.Card.Masked != "622848******1234" || r.Evseq != 7 || !r.IsTransaction() {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestRefusedTable(t *testing.T) {
	swap := func(old, new string) string {
		if !strings.Contains(goodSale, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(goodSale, old, new, 1)
	}
	// with puts a member in front, last behind all others.
	with := func(member string) string { return swap(`{"amount"`, `{`+member+`,"amount"`) }
	last := func(member string) string { return strings.TrimSuffix(goodSale, "}") + "," + member + "}" }
	cases := []struct{ name, text, which string }{
		{"nothing", ``, "not-canonical"},
		{"empty object", `{}`, "missing-member"},
		{"not JSON", `sale`, "not-canonical"},
		{"cut", goodSale[:len(goodSale)-1], "not-canonical"},
		{"trailing", goodSale + " ", "not-canonical"},
		{"two", goodSale + goodSale, "not-canonical"},
		{"white space", swap(`:1200`, `: 1200`), "not-canonical"},
		{"order", swap(`"amount":1200,"auth":"A12345"`, `"auth":"A12345","amount":1200`), "not-canonical"},
		{"order in card", swap(`"brand":"unionpay","masked":"622848******1234"`, `"masked":"622848******1234","brand":"unionpay"`), "not-canonical"},
		{"duplicate", swap(`"auth":"A12345"`, `"amount":1,"auth":"A12345"`), "duplicate-member"},
		{"duplicate far", last(`"amount":1`), "duplicate-member"},
		{"case variant", with(`"Amount":1`), "unknown-member"},
		{"unknown", last(`"zone":"x"`), "unknown-member"},
		{"unknown in card", swap(`"masked":"622848******1234"`, `"masked":"622848******1234","name":"x"`), "unknown-member"},
		{"other form's member", with(`"aa":1`), "unknown-member"},
		{"code in a sale", swap(`"currency"`, `"code":"x","currency"`), "unknown-member"},
		{"missing", swap(`"stan":"000123",`, ``), "missing-member"},
		{"missing kind", swap(`"kind":"sale",`, ``), "missing-member"},
		{"half a card", swap(`"brand":"unionpay",`, ``), "missing-member"},
		{"escape", swap(`A12345`, `A\u0031`), "not-canonical"},
		{"not ASCII", swap(`A12345`, `é`), "not-canonical"},
		{"float", swap(`1200`, `1200.0`), "not-canonical"},
		{"exponent", swap(`1200`, `12e2`), "not-canonical"},
		{"leading zero", swap(`1200`, `01200`), "not-canonical"},
		{"minus zero", swap(`1200`, `-0`), "not-canonical"},
		{"null", swap(`1200`, `null`), "not-canonical"},
		{"array", swap(`"A12345"`, `["A"]`), "not-canonical"},
		{"negative amount", swap(`1200`, `-1`), "amount"},
		{"amount 2^53", swap(`1200`, `9007199254740992`), "amount"},
		{"amount beyond 64 bits", swap(`1200`, `99999999999999999999`), "amount"},
		{"amount as text", swap(`1200`, `"1200"`), "amount"},
		{"negative fee", swap(`"fee":3`, `"fee":-3`), "amount"},
		{"currency lower", swap(`CNY`, `cny`), "currency"},
		{"currency numeric", swap(`CNY`, `156`), "currency"},
		{"currency long", swap(`CNY`, `CNYX`), "currency"},
		{"evseq 0", swap(`"evseq":7`, `"evseq":0`), "evseq"},
		{"evseq text", swap(`"evseq":7`, `"evseq":"7"`), "evseq"},
		{"seq 0", swap(`"stan"`, `"seq":0,"stan"`), "seq"},
		{"time negative", swap(`1790000000`, `-1`), "time"},
		{"kind", swap(`"kind":"sale"`, `"kind":"gift"`), "kind"},
		{"entry", swap(`chip`, `telepathy`), "entry"},
		{"method", swap(`"method":"card"`, `"method":"cash"`), "method"},
		{"result", swap(`approved`, `maybe`), "result"},
		{"reader", swap(`PX7-1`, `PX7 1`), "reader"},
		{"id with space", swap(`A12345`, `A 12345`), "id"},
		{"id empty", swap(`A12345`, ``), "id"},
		{"id long", swap(`A12345`, strings.Repeat("x", 65)), "id"},
		{"masked too little", swap(`622848******1234`, `6228480**1234`), "masked"},
		{"masked too much", swap(`622848******1234`, `622848*****12345`), "masked"},
		{"masked not digits", swap(`622848******1234`, `62284x******1234`), "masked"},
		{"PAN in masked", swap(`622848******1234`, `4111111111111111`), "pan"},
		{"PAN", swap(`A12345`, `4111111111111111`), "pan"},
		{"PAN with dashes", swap(`A12345`, `4111-1111-1111-1111`), "pan"},
		{"PAN with spaces", swap(`A12345`, `4111 1111 1111 1111`), "pan"},
		{"PAN in other text", swap(`A12345`, `x4111111111111111D2512`), "pan"},
		{"PAN of 13 digits", swap(`A12345`, `4222222222222`), "pan"},
		{"PAN of 19 digits", swap(`A12345`, `6228480402564890018`), "pan"},
		{"PAN that fails Luhn", swap(`612345678900`, `6228480402564890`), "pan"},
		{"PAN as brand", swap(`unionpay`, `4111111111111111`), "pan"},
		{"PAN as kind", swap(`"kind":"sale"`, `"kind":"4111111111111111"`), "pan"},
		{"PAN as terminal id", swap(`10000001`, `4111111111111111`), "pan"},
		{"PAN as merchant id", swap(`898320548160001`, `4111111111111111`), "pan"},
		{"15-digit PAN as merchant id", swap(`898320548160001`, `378282246310005`), "pan"},
		{"member pan", swap(`"reader"`, `"pan":"x","reader"`), "pan"},
		{"member track2", last(`"track2":"x"`), "track-data"},
		{"member Track_2_Data", with(`"Track_2_Data":"x"`), "track-data"},
		{"member cvv", swap(`"entry"`, `"cvv":"123","entry"`), "cvv"},
		{"member pin in card", swap(`"masked":"622848******1234"`, `"masked":"622848******1234","pinBlock":"x"`), "pin-block"},
		{"oversize", swap(`A12345`, strings.Repeat("x", 4096)), "oversize"},
		{"event without time", strings.Replace(goodEvent, `,"time":1790000001`, ``, 1), "missing-member"},
		{"event with amount", strings.Replace(goodEvent, `{`, `{"amount":1,`, 1), "unknown-member"},
		{"refused with content", strings.Replace(goodRefused, `{`, `{"amount":1,`, 1), "unknown-member"},
		{"deep", strings.Repeat(`{"card":`, 500), "unknown-member"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRecord([]byte(c.text))
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Code != "E25:"+c.which {
				t.Fatalf("want E25:%s, got %v", c.which, err)
			}
		})
	}
}

// Names of card data are named for what they are, wherever they sort.
func TestForbiddenNames(t *testing.T) {
	for name, which := range map[string]string{
		"pan": "pan", "card_number": "pan", "Track2": "track-data", "track-1": "track-data",
		"cvv2": "cvv", "CVC": "cvv", "pin": "pin-block", "pin_block": "pin-block", "color": "unknown-member",
	} {
		_, err := ParseRecord(fmt.Appendf(nil, `{"%s":"1"}`, name))
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Code != "E25:"+which {
			t.Errorf("%s: want %s, got %v", name, which, err)
		}
	}
}

func TestLongNumbersThatAreNoCards(t *testing.T) {
	for member, value := range map[string]string{
		"mid":      "898320548160001",
		"original": "4200001234202611230123456789", // a payment app's order number
		"rrn":      "612345678901",
		"reader":   "6228480402564890018",
		"auth":     "20261123000001", // 14 digits that fail Luhn
	} {
		if holdsPAN(member, value) {
			t.Errorf("%s %s is taken for a card", member, value)
		}
	}
}

// No error says anything of the content.
func TestRefusalRepeatsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`Q[A-Z0-9]{5,30}Q`).Draw(t, "secret")
		at := rapid.IntRange(0, len(goodSale)).Draw(t, "at")
		_, err := ParseRecord([]byte(goodSale[:at] + secret + goodSale[at:]))
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Fatalf("the error repeats the content")
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	for _, seed := range []string{goodSale, goodEvent, goodRefused, `{}`, `{"amount":-0}`, `{"card":{}}`,
		strings.Replace(goodSale, "A12345", "4111111111111111", 1), `{"kind":"tamper","kind":"tamper"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRecord(b)
		var refused *RefusedError
		if err != nil {
			if !errors.As(err, &refused) || !isID(refused.Code) {
				t.Fatalf("a refusal without a code: %v", err)
			}
			return
		}
		if got := string(r.AppendCanonical(nil)); got != string(b) {
			t.Fatalf("%q reads as %q", b, got)
		}
	})
}
