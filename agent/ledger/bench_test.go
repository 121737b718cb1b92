package ledger

import (
	"context"
	"testing"
)

func benchmarkAppend(b *testing.B, group uint64) {
	l, _ := newLedger(b, func(o *Options) { o.MaxSegment = defaultMaxSegment })
	next := uint64(1)
	for b.Loop() {
		mustAppend(b, l, "PX7-1", sales("PX7-1", next, next+group-1)...)
		next += group
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(next-1), "us/record")
}

func BenchmarkAppendOne(b *testing.B)       { benchmarkAppend(b, 1) }
func BenchmarkAppendSixtyFour(b *testing.B) { benchmarkAppend(b, 64) }

func BenchmarkExport(b *testing.B) {
	l, _ := newLedger(b, func(o *Options) { o.MaxSegment = defaultMaxSegment })
	const records = 20_000
	for n := uint64(1); n <= records; n += 2000 {
		mustAppend(b, l, "PX7-1", sales("PX7-1", n, n+1999)...)
	}
	bytes := int64(0)
	for b.Loop() {
		bytes = 0
		_, _, err := l.Export(context.Background(), 1, func(line []byte) error {
			bytes += int64(len(line))
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(bytes)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/records, "us/record")
}

func BenchmarkParseRecord(b *testing.B) {
	line := []byte(goodSale)
	for b.Loop() {
		if _, err := ParseRecord(line); err != nil {
			b.Fatal(err)
		}
	}
}
