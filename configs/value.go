package configs

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// wrong is why a text is no value of its kind, and what would be one.
type wrong struct{ text, hint string }

// valueOf reads a value of kind k. It is the same for a file, the environment
// and the command line; lists are separated by commas in the last two.
func valueOf(k kind, s string) (any, *wrong) {
	switch k {
	case text:
		return s, nil
	case number:
		return numberOf(s)
	case duration:
		return durationOf(s)
	case size:
		return sizeOf(s)
	case list:
		return listOf(s), nil
	}
	return nil, &wrong{"it is " + string(k) + " and has no value of its own", ""}
}

func numberOf(s string) (any, *wrong) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil, &wrong{quoted(s) + " is not a whole number", "write digits only"}
	}
	return n, nil
}

func durationOf(s string) (any, *wrong) {
	d, err := time.ParseDuration(s)
	switch {
	case isNumber(s):
		return nil, &wrong{"a duration needs a unit", "write " + s + "s, " + s + "m or " + s + "h"}
	case err != nil:
		return nil, &wrong{quoted(s) + " is not a duration", "write for example 500ms, 55s, 15m or 6h"}
	case d < 0:
		return nil, &wrong{"a duration cannot be negative", ""}
	}
	return d, nil
}

var units = map[string]int64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

func sizeOf(s string) (any, *wrong) {
	if isNumber(s) {
		return nil, &wrong{"a size needs a unit", "write " + s + "B, " + s + "KiB or " + s + "MiB"}
	}
	digits := strings.TrimRight(s, "BKMGiabcdefghjklmnopqrstuvwxyz")
	unit, known := units[s[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil || !known || n < 0:
		return nil, &wrong{quoted(s) + " is not a size", "write for example 512KiB, 4MiB or 1GiB"}
	case n > math.MaxInt64/unit:
		return nil, &wrong{quoted(s) + " is too much", ""}
	}
	return n * unit, nil
}

func listOf(s string) []string {
	all := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// quoted keeps what a person typed from steering the screen it is shown on.
func quoted(s string) string {
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return strconv.Quote(s)
}
