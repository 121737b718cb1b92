package transport

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// aResolver answers every question with 127.0.0.1, or never.
func aResolver(t *testing.T, alive bool) (address string, asked *atomic.Int32) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	asked = new(atomic.Int32)
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			asked.Add(1)
			if alive {
				_, _ = server.WriteTo(loopbackFor(buf[:n]), from)
			}
		}
	}()
	return server.LocalAddr().String(), asked
}

// loopbackFor is the answer to a question of RFC 1035, section 4: the question again, and
// for an address of version 4 one record with 127.0.0.1.
func loopbackFor(question []byte) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root, type and class
	answer := slices.Clone(question[:end])
	answer[2], answer[3] = 0x81, 0x80
	answer[10], answer[11] = 0, 0 // what else came with the question is not repeated
	if question[end-3] != 1 {
		return answer
	}
	answer[7] = 1
	return append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
}

// A resolver that is dead delays the first name and no other.
func TestADeadResolverIsPassedOver(t *testing.T) {
	dead, left := aResolver(t, false)
	alive, asked := aResolver(t, true)
	n := newNames([]string{dead, alive})
	for try := range 2 {
		found, err := n.find(context.Background(), "desk.test.")
		if err != nil || !slices.Equal(found, []string{"127.0.0.1"}) {
			t.Fatalf("try %d: %v, %v", try, found, err)
		}
		if try == 0 && left.Load() == 0 {
			t.Error("the first resolver was not asked first")
		}
		left.Store(0)
	}
	if asked.Load() < 2 {
		t.Errorf("the second resolver was asked %d times", asked.Load())
	}
	if _, err := n.find(context.Background(), "desk.test."); err != nil || left.Load() != 0 {
		t.Errorf("the dead resolver was asked again: %d times, %v", left.Load(), err)
	}
}

func TestWhatIsWrongWithALink(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   string // begins with the key; empty: nothing is wrong
	}{
		"nothing set":          {Config{}, ""},
		"all of it":            {Config{Addresses: []string{"10.0.0.1", "[fd00::1]:443"}, Resolvers: []string{"10.0.0.2:5353"}, Proxy: "http://u:p@proxy:3128"}, ""},
		"a proxy of SOCKS":     {Config{Proxy: "socks5://10.0.0.1:1080"}, ""},
		"no proxy":             {Config{Proxy: Direct}, ""},
		"a name as address":    {Config{Addresses: []string{"desk.test"}}, "addresses: "},
		"a name as resolver":   {Config{Resolvers: []string{"dns.test"}}, "resolvers: "},
		"a proxy without URL":  {Config{Proxy: "shop:S3cret@10.0.0.1:3128"}, "proxy: "},
		"a proxy with TLS":     {Config{Proxy: "https://shop:S3cret@10.0.0.1:3128"}, "proxy: "},
		"a proxy of files":     {Config{Proxy: "ftp://shop:S3cret@10.0.0.1"}, "proxy: "},
		"a proxy with garbage": {Config{Proxy: "http://shop:S3cret@10.0.0.1:31x28"}, "proxy: "},
	} {
		err := c.config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: it tells the password: %v", name, err)
		}
	}
}
