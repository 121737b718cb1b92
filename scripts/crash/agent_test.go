//go:build (amd64 || arm64) && !android

package crash

import "testing"

func TestAgentFilesAreWholeOrOlder(t *testing.T) {
	agent := build(t, "agent")
	r := &replay{store: "agent", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 4), judge: agent.judge(t), only: envCase()}
	tr := agent.recorded(t, "files")
	green(t, "agent", r.run(t, tr))
	for _, k := range []kind{sync, syncFolder} {
		deaf := &replay{store: "agent", seed: 1, deaf: deafTo(k, ""), judge: agent.judge(t), enough: 3}
		red(t, "agent, "+kindNames[k], deaf.run(t, tr))
	}
}

func TestSealedBackupIsWholeOrAbsent(t *testing.T) {
	agent := build(t, "agent")
	r := &replay{store: "backup", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 4), judge: agent.judge(t), only: envCase()}
	green(t, "backup", r.run(t, agent.recorded(t, "TestSealForLab")))
}
