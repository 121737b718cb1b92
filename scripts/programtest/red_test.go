package programtest

import "testing"

// Of a run that failed, the lines of the test that failed are kept, and no other's.
func TestRedKeepsWhatFailed(t *testing.T) {
	for _, c := range []struct{ what, said, want string }{
		{"nothing failed", "=== RUN   TestA\n    a_test.go:1: well\n--- PASS: TestA (0.00s)\nPASS\n", "PASS\n"},
		{"one of two, side by side",
			"=== RUN   TestA\n=== RUN   TestA/0\n=== PAUSE TestA/0\n=== RUN   TestA/1\n=== PAUSE TestA/1\n=== CONT  TestA/0\n=== CONT  TestA/1\n" +
				"    a_test.go:1: well\n=== NAME  TestA/0\n    a_test.go:2: ill\n    a_test.go:3: because\n" +
				"--- FAIL: TestA (1.00s)\n    --- FAIL: TestA/0 (1.00s)\n    --- PASS: TestA/1 (1.00s)\n=== RUN   TestB\n    b_test.go:1: well\n--- PASS: TestB (0.00s)\nFAIL\n",
			"    a_test.go:2: ill\n    a_test.go:3: because\n--- FAIL: TestA (1.00s)\n    --- FAIL: TestA/0 (1.00s)\nFAIL\n"},
		{"a death that no test tells of", "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n    b_test.go:1: well\nunexpected fault address 0x7f\nfatal error: fault\n[signal SIGBUS: bus error]\n",
			"    b_test.go:1: well\nunexpected fault address 0x7f\nfatal error: fault\n[signal SIGBUS: bus error]\n"},
		{"a panic", "=== RUN   TestA\npanic: oh\n\ngoroutine 1 [running]:\n", "panic: oh\n\ngoroutine 1 [running]:\n"},
	} {
		if got := Red(c.said); got != c.want {
			t.Errorf("%s: kept\n%s\nwant\n%s", c.what, got, c.want)
		}
	}
}
