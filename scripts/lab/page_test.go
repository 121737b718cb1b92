package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const pagePreface = "Written by `make lab`; nothing here is edited by hand. Words of 32 bytes that nobody has used before are planted on a\n" +
	"fresh file system, one word for each kind of hiding place; everything is flushed; one tool erases the folder; the file\n" +
	"system is unmounted; the whole image is searched. A cell is how often the kind's word is still on the raw medium: 0 is\n" +
	"what an erase promises, everything else is what somebody finds who has the medium in hand. `rm` stands for nothing\n" +
	"having been erased. What is reported is held against the counts by the tests of `scripts/lab`, in every row.\n" +
	"The media are images in memory: times show how much a tool does, in one run each, and nothing of a real medium.\n\n" +
	"* content: files of 60 bytes to 16 MiB, at the moment of the erase; former: what was written over in place before\n" +
	"* log: a file flushed after each line; freed: values deleted from a bbolt database\n" +
	"* replaced: versions that a rename had put out of sight before; names: of files; xattrs; links: targets of symbolic links\n"

// writePage writes the table of a run.
func writePage(path string, disks, chips []outcome) error {
	var b bytes.Buffer
	b.WriteString("# The forensic lab\n\n" + pagePreface + "\n")
	b.WriteString(markdown([]string{"", ""}, machine()))
	for _, f := range groups(disks) {
		fmt.Fprintf(&b, "\n## %s\n\n%s", f[0].form, table(f, func(o outcome) count { return o.disk }))
	}
	for _, f := range groups(chips) {
		fmt.Fprintf(&b, "\n## ext4 on %s: what the chips hold\n\n", f[0].form)
		b.WriteString("Pages of 4 KiB, blocks of 64 pages, 7 % more than the disk shows, greedy cleaning: a model, whose numbers show a\n" +
			"direction and no product. The last column is what a reader of the disk itself still finds.\n\n")
		b.WriteString(table(f, func(o outcome) count { return o.flash }))
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// groups keeps the rows of one file system together, in the order they came.
func groups(all []outcome) (out [][]outcome) {
	for _, o := range all {
		if last := len(out) - 1; last >= 0 && out[last][0].form == o.form {
			out[last] = append(out[last], o)
			continue
		}
		out = append(out, []outcome{o})
	}
	return out
}

func table(rows []outcome, of func(o outcome) count) string {
	head := []string{"erased by"}
	for _, k := range kinds {
		head = append(head, string(k))
	}
	head = append(head, "time", "reported")
	chips := rows[0].flash != nil
	if chips {
		head = append(head, "on the disk")
	}
	var body [][]string
	for _, o := range rows {
		body = append(body, row(o, of(o), chips))
	}
	return markdown(head, body)
}

func row(o outcome, c count, chips bool) []string {
	cells := []string{"`" + o.method + "`"}
	if strings.HasPrefix(o.method, oursName) {
		cells[0] = "**" + o.method + "**"
	}
	for _, k := range kinds {
		cells = append(cells, fmt.Sprint(c[k]))
	}
	cells = append(cells, fmt.Sprintf("%.2f s", o.took.Seconds()), reported(o))
	if chips {
		cells = append(cells, fmt.Sprint(o.disk.all()))
	}
	return cells
}

func reported(o outcome) string {
	e := o.evidence
	if e.LevelAchieved == "" {
		return "nothing"
	}
	return fmt.Sprintf("%s, %s; left: %s", e.LevelAchieved, e.Verified, strings.Join(e.Residual, ", "))
}

func machine() [][]string {
	read := func(path string) string { b, _ := os.ReadFile(path); return strings.TrimSpace(string(b)) }
	processor := "unknown"
	for line := range strings.Lines(read("/proc/cpuinfo")) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			processor = strings.TrimSpace(value)
		}
	}
	commit, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		commit = []byte("unknown")
	}
	steps := "off: package wipe acts on files alone"
	if mediumSteps {
		steps = "on"
	}
	return [][]string{
		{"command", "`make lab`"},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 UTC")},
		{"measured", "commit " + strings.TrimSpace(string(commit))},
		{"processor", processor},
		{"kernel", read("/proc/sys/kernel/osrelease")},
		{"steps on the file system around the files (`mediumSteps`)", steps},
	}
}

func markdown(head []string, body [][]string) string {
	var b strings.Builder
	line := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
	for _, r := range body {
		line(r)
	}
	return b.String()
}

// What was counted is what is printed, and each row has the cells of its head.
func TestThePageSaysWhatWasCounted(t *testing.T) {
	path := t.TempDir() + "/page.md"
	left := count{content: 17, named: 4}
	rows := []outcome{{form: "a", method: "rm -rf", disk: left}, {form: "a", method: oursName, disk: count{}}, {form: "b", method: "rm -rf", disk: left}}
	chips := []outcome{{form: "c", method: oursName, disk: count{}, flash: count{freed: 9}, took: time.Second}}
	must(t, writePage(path, rows, chips))
	text, err := os.ReadFile(path)
	must(t, err)
	for _, want := range []string{
		"| `rm -rf` | 17 | 0 | 0 | 0 | 0 | 4 | 0 | 0 | 0.00 s | nothing |",
		"| **ours** | 0 | 0 | 0 | 9 | 0 | 0 | 0 | 0 | 1.00 s | nothing | 0 |",
		"## a", "## b", "## ext4 on c: what the chips hold",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("not on the page: %s\n%s", want, text)
		}
	}
	var widths []int
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "|") {
			widths = append(widths, strings.Count(line, "|"))
		}
	}
	slices.Sort(widths)
	if got := slices.Compact(widths); !slices.Equal(got, []int{3, 12, 13}) {
		t.Errorf("tables of %v bars", got)
	}
}
