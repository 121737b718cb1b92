package main

import (
	"errors"

	"unbindd/agent/envelope"
)

// advised is an error whose next step is not that of its code.
type advised struct {
	error
	next text
}

func (a advised) Unwrap() error { return a.error }

// advise says with an error what a person does next; nil stays nil.
func advise(err error, next text) error {
	if err == nil {
		return nil
	}
	return advised{err, next}
}

// advice is what a person does next: the verb's own word, or that of the code.
func advice(err error) string {
	var own advised
	if errors.As(err, &own) {
		return own.next.in()
	}
	return nextStep(err)
}

// unsignable says what is left to do with a case whose command does not verify any
// more because a key of it was revoked.
func unsignable(err error) error {
	if envelope.CodeOf(err) != "E05:revoked-key" {
		return err
	}
	return advise(err, text{
		"Nobody can sign for this case any more. Keep its export (unbind-desk cases export). A terminal that has not begun to erase goes back to trading once it has the newer trust: issue a new command then, signed by people in force. One that has erased is settled by your people on paper.",
		"该案件已无人可再签署。请保留其导出文件（unbind-desk cases export）。尚未开始擦除的终端取得新信任包后会自行恢复交易：届时请由现任人员签署并重新签发指令。已擦除的终端由贵方人员线下书面处理。",
	})
}
