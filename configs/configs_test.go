package configs

import (
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the messages of the bad files anew")

// loaded reads the layers as Load does, with an environment of its own.
func loaded(t *testing.T, file string, environ []string, flags map[string]string) (Config, Sources, error) {
	t.Helper()
	l, err := newLoad()
	if err != nil {
		t.Fatal(err)
	}
	if file != "" {
		l.file("my.yaml", []byte(file))
	}
	l.environment(environ)
	l.flags(flags)
	return l.config()
}

func TestBadFilesAreToldExactly(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		_, _, err := Load(file, nil)
		var told Problems
		if !errors.As(err, &told) {
			t.Errorf("%s: %v, want problems", file, err)
			continue
		}
		golden := strings.TrimSuffix(file, ".yaml") + ".want"
		if *update {
			if err := os.WriteFile(golden, []byte(told.Error()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got := told.Error() + "\n"; got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
}

func TestTheExampleIsTheDefaults(t *testing.T) {
	bare, sources, err := loaded(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, source := range sources {
		if source != "default" {
			t.Errorf("%s comes from %s", key, source)
		}
	}
	example, _, err := loaded(t, string(Example()), nil, nil)
	if err != nil || !reflect.DeepEqual(bare, example) {
		t.Errorf("the example as a file gives\n%+v, %v, the defaults are\n%+v", example, err, bare)
	}
	want := map[string]any{
		"state_dir": "/var/lib/unbindd", "socket": "/run/unbindd/unbindd.sock", "baud": 115200, "driver": "pedlink",
		"poll": 6 * time.Hour, "wait": 55 * time.Second, "retry_min": time.Second, "retry_max": 15 * time.Minute,
		"reserve": int64(4 << 20), "floor_every": time.Hour, "power": "/sys/class/power_supply", "level": "info",
	}
	got := map[string]any{
		"state_dir": bare.Agent.StateDir, "socket": bare.Agent.Socket, "baud": bare.Reader.Baud, "driver": bare.Reader.Driver,
		"poll": bare.Link.Poll, "wait": bare.Link.Wait, "retry_min": bare.Link.RetryMin, "retry_max": bare.Link.RetryMax,
		"reserve": bare.Agent.Spool.Reserve, "floor_every": bare.Agent.Clock.FloorEvery, "power": bare.Agent.Power.Path, "level": bare.Log.Level,
	}
	if !maps.Equal(got, want) {
		t.Errorf("defaults are\n%v, want\n%v", got, want)
	}
}

func TestEveryKeyIsExplained(t *testing.T) {
	for _, key := range schemaOf(Config{}).leaves() {
		name := key[strings.LastIndex(key, ".")+1:]
		if !strings.Contains(string(Example()), name+":") {
			t.Errorf("%s is not in the example", key)
		}
	}
}

func TestLaterLayersGoOverEarlierOnes(t *testing.T) {
	file := "reader:\n  path: /dev/file\n  baud: 9600\nlink:\n  poll: 1h\nlog: {level: warn}\n"
	environ := []string{"UNBINDD_READER_PATH=/dev/env", "UNBINDD_LINK_POLL=2h", "UNBINDD_LINK_ADDRESSES=10.0.0.1, 10.0.0.2", "PATH=/bin"}
	flags := map[string]string{"link.poll": "3h", "spool.reserve": "1GiB"}
	c, sources, err := loaded(t, file, environ, flags)
	if err != nil {
		t.Fatal(err)
	}
	if c.Reader.Baud != 9600 || c.Reader.Path != "/dev/env" || c.Link.Poll != 3*time.Hour || c.Agent.Spool.Reserve != 1<<30 ||
		c.Log.Level != "warn" || c.Link.Wait != 55*time.Second || strings.Join(c.Link.Addresses, " ") != "10.0.0.1 10.0.0.2" {
		t.Errorf("got %+v", c)
	}
	for key, want := range map[string]string{
		"reader.baud": "my.yaml:3:9", "reader.path": "UNBINDD_READER_PATH", "link.poll": "command line",
		"log.level": "my.yaml:6:14", "link.wait": "default",
	} {
		if sources[key] != want {
			t.Errorf("%s comes from %q, want %q", key, sources[key], want)
		}
	}
}

func TestAnEmptyListTakesTheOldOneAway(t *testing.T) {
	c, _, err := loaded(t, "erase: {roots: [/data/app]}\n", []string{"UNBINDD_ERASE_ROOTS="}, nil)
	if err != nil || len(c.Agent.Erase.Roots) != 0 {
		t.Errorf("roots %v, %v", c.Agent.Erase.Roots, err)
	}
}

func TestLoadReadsTheEnvironment(t *testing.T) {
	t.Setenv("UNBINDD_READER_BAUD", "9600")
	c, sources, err := Load("", nil)
	if err != nil || c.Reader.Baud != 9600 || sources["reader.baud"] != "UNBINDD_READER_BAUD" {
		t.Errorf("baud %d from %s, %v", c.Reader.Baud, sources["reader.baud"], err)
	}
	if c, _, err := Load("", map[string]string{"reader.baud": "19200"}); err != nil || c.Reader.Baud != 19200 {
		t.Errorf("baud %d, %v; want the command line's", c.Reader.Baud, err)
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhatTheEnvironmentAndTheCommandLineGetWrong(t *testing.T) {
	_, _, err := loaded(t, "", []string{
		"UNBINDD_READER_BUAD=9600", "UNBINDD_LINK_POLL=6", "UNBINDD_X=1", "UNBINDD_LOG_LEVEL=loud",
	}, map[string]string{"reader.bauds": "1", "reader": "x", "power.min_percent": "many"})
	want := `environment: "UNBINDD_READER_BUAD" is not a setting
    did you mean UNBINDD_READER_BAUD?
environment: "UNBINDD_X" is not a setting
command line: "reader" is not a setting
command line: "reader.bauds" is not a setting
    did you mean reader.baud?
UNBINDD_LINK_POLL: link.poll: a duration needs a unit
    write 6s, 6m or 6h
command line: power.min_percent: "many" is not a whole number
    write digits only
UNBINDD_LOG_LEVEL: log.level: "loud" is not one of debug, info, warn, error`
	got := ""
	if err != nil {
		got = err.Error()
	}
	if sortedBlocks(got) != sortedBlocks(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// sortedBlocks compares problems without minding their order.
func sortedBlocks(s string) string {
	blocks := strings.Split(strings.ReplaceAll(s, "\n    ", "\x00"), "\n")
	return strings.Join(sortStrings(blocks), "\n")
}

func TestAnEmptyFileIsFine(t *testing.T) {
	for _, file := range []string{"# nothing\n", "---\n", "null\n", "reader: {}\n"} {
		if _, _, err := loaded(t, file, nil, nil); err != nil {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestControlCharactersDoNotReachTheScreen(t *testing.T) {
	_, _, err := loaded(t, "terminal:\n  serial: [\"\x1b[31m\"]\n", nil, map[string]string{"x\x1b[31m": "1"})
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %q", err)
	}
}

// FuzzFile looks that no file, however broken, ends in anything but settings
// or problems with a place.
func FuzzFile(f *testing.F) {
	f.Add(string(Example()))
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _, err := loaded(t, text, nil, nil)
		var told Problems
		if err != nil && !errors.As(err, &told) {
			t.Fatalf("neither settings nor problems: %v", err)
		}
		for _, p := range told {
			if p.Where == "" || p.Text == "" {
				t.Fatalf("a problem without place or words: %+v", p)
			}
		}
	})
}
