package devicesim

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes the n-th transaction of a shop out of a seed and n alone, so that a restart goes on where it was.
//
// Every twenty transactions are one round: sales, and in fixed places what refers to a sale before it.
type generator struct {
	seed     uint64
	canary   string
	merchant Merchant
}

const (
	round       = 20
	firstTime   = 1767225600 // 2026-01-01 00:00 UTC
	timeStep    = 37
	canaryEvery = 5
)

// follower refers to the transaction `back` places before it.
type follower struct {
	kind, result string
	back         uint64
}

var followers = map[uint64]follower{
	3:  {"adjustment", "approved", 1},
	7:  {"void", "approved", 1},
	11: {"reversal", "reversed", 1},
	15: {"refund", "approved", 2},
	19: {"completion", "approved", 1},
}

const preauthPlace = 18

func (g generator) transaction(n uint64) transaction {
	place := n % round
	if f, is := followers[place]; is {
		return g.followUp(n, f)
	}
	for at, f := range followers {
		if place == at-f.back {
			t := g.sale(n)
			if place == preauthPlace {
				t.Kind = "preauth"
			}
			return t
		}
	}
	return g.everyday(n)
}

// sale is an approved sale by card: something to refer to.
func (g generator) sale(n uint64) transaction {
	dice := g.dice(n)
	t := g.base(n, dice)
	t.Method, t.Result = "card", "approved"
	t.Entry = pick(dice, "chip", "contactless", "contactless", "swipe")
	t.Card = drawCard(dice)
	t.Auth = fmt.Sprintf("%06X", dice.IntN(1<<24))
	t.Fee = (t.Amount*38 + 5000) / 10000
	return t
}

// everyday is a sale by whatever customers have with them, and not every one succeeds.
func (g generator) everyday(n uint64) transaction {
	dice := g.dice(n)
	method := pick(dice, "card", "card", "alipay", "alipay", "wechat", "wechat", "wechat", "unionpay-qr")
	if method == "card" {
		t := g.sale(n)
		return fate(t, dice)
	}
	t := g.base(n, dice)
	t.Method, t.Entry, t.Result = method, "scan", "approved"
	return fate(t, dice)
}

func fate(t transaction, dice *rand.Rand) transaction {
	switch p := dice.IntN(100); {
	case p < 6:
		t.Result, t.Auth, t.Fee = "declined", "", 0
	case p < 8:
		t.Result, t.Auth, t.Fee = "unknown", "", 0
	}
	return t
}

func (g generator) followUp(n uint64, f follower) transaction {
	origin := g.transaction(n - f.back)
	own := g.base(n, g.dice(n))
	t := origin
	t.Kind, t.Result, t.Original = f.kind, f.result, origin.RRN
	t.RRN, t.STAN, t.Time, t.Fee = own.RRN, own.STAN, own.Time, 0
	switch f.kind {
	case "adjustment":
		t.Amount = origin.Amount / 10 // the tip
	case "refund":
		t.Amount = origin.Amount - origin.Amount/3
	}
	return t
}

func (g generator) base(n uint64, dice *rand.Rand) transaction {
	return transaction{
		Amount:   int64(100+dice.IntN(900)) * int64(1+dice.IntN(60)),
		Batch:    g.merchant.Batch,
		Currency: g.merchant.Currency,
		Kind:     "sale",
		MID:      g.merchant.MID,
		RRN:      g.rrn(n),
		STAN:     fmt.Sprintf("%06d", (n+1)%1_000_000),
		TID:      g.merchant.TID,
		Time:     firstTime + int64(n)*timeStep,
	}
}

func (g generator) rrn(n uint64) string {
	if g.canary != "" && n%canaryEvery == 0 {
		return g.canary
	}
	return fmt.Sprintf("%04d%08d", g.seed%10_000, (n+1)%100_000_000)
}

func (g generator) dice(n uint64) *rand.Rand { return rand.New(rand.NewPCG(g.seed, n)) }

// drawCard makes a card that shows what may be shown: the first six digits and the last four.
func drawCard(dice *rand.Rand) *payCard {
	kind := [...]struct {
		brand, first string
		digits       int
	}{{"unionpay", "622848", 19}, {"unionpay", "621700", 19}, {"visa", "445093", 16}, {"mastercard", "522001", 16}, {"jcb", "356885", 16}}
	k := kind[dice.IntN(len(kind))]
	return &payCard{k.brand, k.first + strings.Repeat("*", k.digits-10) + fmt.Sprintf("%04d", dice.IntN(10_000))}
}

func pick(dice *rand.Rand, choices ...string) string { return choices[dice.IntN(len(choices))] }
