package main

import (
	"fmt"
	"strconv"
	"time"
)

// size is a number of bytes for people, in powers of ten.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n), []string{"kB", "MB", "GB", "TB"}
	for i, unit := range units {
		f /= 1000
		// 999.95 would be rounded up to 1000.0.
		if f < 999.95 || i == len(units)-1 {
			return fmt.Sprintf("%.1f %s", f, unit)
		}
	}
	return ""
}

// took is a duration in milliseconds for people.
func took(ms int64) string {
	switch d := time.Duration(max(0, ms)) * time.Millisecond; {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// moment is a Unix time in the terminal's own zone, with its offset.
func moment(unix int64) string {
	return time.Unix(unix, 0).Format("2006-01-02 15:04:05 -07:00")
}

// exponents lists the currencies whose minor unit is not a hundredth. Source:
// ISO 4217, list one.
var exponents = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// money is an amount in minor units with its currency, CNY 12,345.67.
func money(minor int64, currency string) string {
	exponent, ok := exponents[currency]
	if !ok {
		exponent = 2
	}
	sign, digits := "", strconv.FormatInt(minor, 10)
	if minor < 0 {
		sign, digits = "-", digits[1:]
	}
	for len(digits) <= exponent {
		digits = "0" + digits
	}
	whole, part := digits[:len(digits)-exponent], digits[len(digits)-exponent:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part != "" {
		part = "." + part
	}
	return currency + " " + sign + whole + part
}
