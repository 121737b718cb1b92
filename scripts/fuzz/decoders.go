package main

// decoder is what a target is there for.
type decoder struct {
	reads     string // what comes from outside, in words
	functions string // of the target's package, that read it; methods as Type.Method
}

// decoders has a row for every target. Statements are counted in its functions
// alone: what else a package does is no business of the fuzzer's.
var decoders = map[string]decoder{
	"device FuzzDecoder":   {"pedlink frames, as the line delivers them", "decoder.next decoder.take parseHeader decoder.gap"},
	"device FuzzLink":      {"pedlink frames, with the conversation behind them", "link.take link.silence link.dispatch link.handle link.accept link.deliver"},
	"device FuzzSession":   {"the reader's MAC", "session.open"},
	"device FuzzFields":    {"TLV fields", "parseFields fields.fail fields.optional fields.all fields.fixed"},
	"device FuzzAnswers":   {"pedlink answers: identity, capabilities, key list, sockets", "parseIdentity offered revision parseSlots parseSlot parseSocket fields.atr fields.u8 fields.u16 fields.u32 fields.id fields.name isID"},
	"device FuzzEvents":    {"transaction events, and the backlog before them", "pedlink.arrived isAnswerTo parseBacklog flow.push"},
	"device FuzzRecord":    {"erase records", "ParseRecord parseResults splitFields EraseRecord.Message"},
	"device FuzzMposFrame": {"mpos frames, as the line delivers them", "mposDecoder.next mposLength isWholeMpos mposDecoder.take mposDecoder.gap readBCD"},
	"device FuzzMposLink":  {"mpos frames, with the conversation behind them", "mposLink.take mposLink.silence mposLink.dispatch mposLink.handle"},
	"device FuzzMposBody":  {"mpos answers", "mposBody.fixed mposBody.ll mposBody.exactly mposBody.id mposBody.result parseMposInfo parseMposSlot"},
	"device FuzzCcidFrame": {"serial CCID frames, as the line delivers them", "ccidDecoder.next ccidDecoder.message ccidDecoder.skip ccidDecoder.gap"},
	"device FuzzCcidLink":  {"serial CCID frames, with the conversation behind them", "ccidLink.take ccidLink.silence ccidLink.dispatch ccidLink.count ccidLink.handle ccidLink.isAlone"},
	"device FuzzATR":       {"answers to reset, and what is agreed by them", "ATR.Parse atrParser.parse atrParser.convention atrParser.groups atrParser.offer atrParser.interfaceByte atrParser.specific atrParser.blockByte atrParser.historical atrParser.end atrParser.next"},
	"device FuzzT0":        {"responses of T=0", "t0.exchange t0.withRightLength t0.fetch status"},
	"device FuzzT1":        {"blocks of T=1", "t1Code.decode t1Block.isSound t1Master.exchange t1Exchange.run t1Exchange.again t1Exchange.react t1Exchange.takeInformation t1Exchange.takeRequest"},

	"device/devicesim FuzzScan":        {"pedlink frames of the host", "scan frameAt"},
	"device/devicesim FuzzBody":        {"TLV fields of the host", "parseBody"},
	"device/devicesim FuzzCommand":     {"pedlink commands, executed", "Sim.execute Sim.info Sim.listKeys Sim.keyProbe Sim.eventsSince Sim.eventsAck Sim.loadBlock Sim.openBlock"},
	"device/devicesim FuzzHostSession": {"the host's MAC", "session.open"},
	"device/devicesim FuzzTicket":      {"erase tickets", "parseTicket parseScope"},
	"device/devicesim FuzzRotation":    {"orders to change the reader's keys", "parseRotation"},
	"device/devicesim FuzzMposRequest": {"mpos frames of the host", "mposScan mposSize readBCD mposFields.take mposFields.ll"},
	"device/devicesim FuzzMposCommand": {"mpos commands, executed", "mposEngine.execute Sim.mposLoadMaster Sim.mposWorkingKey Sim.mposLoadDUKPT Sim.mposTake Sim.mposOpen mposFields.take mposFields.u8 mposFields.bcd mposFields.ll mposFields.whole"},
	"device/devicesim FuzzCcidCommand": {"serial CCID frames of the host", "scanCCID ccidSpan readCCID"},
	"device/devicesim FuzzCcidExecute": {"serial CCID commands, executed", "ccidFront.execute ccidFront.powerOn ccidFront.powerOff ccidFront.transfer ccidFront.escape ccidFront.clock ccidFront.getParams ccidFront.resetParams ccidFront.setParams"},
	"device/devicesim FuzzControl":     {"lines of the control socket, and faults", "ParseFault Sim.Control"},
	"device/devicesim FuzzParseScript": {"scripts", "ParseScript parseScriptLine parseWait parseWhen parseAct"},
	"device/devicesim FuzzParseNoise":  {"faults of the line", "ParseNoise Noise.set parseFrequency"},
	"device/devicesim FuzzEventLog":    {"the memory file: events", "readEvent"},
	"device/devicesim FuzzSlot":        {"the memory file: key slots", "decodeSlot"},
	"device/devicesim FuzzPage":        {"the memory file: pages", "readPage"},

	"device/devicesim/card FuzzT1Block": {"blocks of T=1, as the card takes them", "readBlock Card.T1 Card.takeInformation t1.again Card.supervise"},
	"device/devicesim/card FuzzTPDU":    {"commands for the card, by T=0 and whole", "readRequest Card.APDU Card.T0 Card.getResponse Card.execute"},
	"device/devicesim/card FuzzPlace":   {"the card's memory file", "readPlace"},

	"device/devicesim/keying FuzzKeyBlock": {"key blocks (TR-31)", "ParseHeader Header.readBlocks readBlock number Unwrap unwrap readHex upperHex"},

	"agent/envelope FuzzParse":        {"envelopes", "Parse wireEnvelope.open unbase exact scan scanValue scanObject scanArray strict"},
	"agent/envelope FuzzDecode":       {"payloads", "Decode scan scanValue scanObject scanArray strict"},
	"agent/command FuzzVerify":        {"commands", "Verify signed version target epoch binding replay freshness policy"},
	"agent/command FuzzSigned":        {"commands with the right signatures", "Verify signed version rootVersion target epoch binding reader replay freshness policy"},
	"agent/command FuzzFollow":        {"cancel, amend, close and answers", "VerifyCancel VerifyAmend VerifyClose follow names OpenAnswer"},
	"agent/trust FuzzNext":            {"trust bundles", "Trust.Next read Bundle.check"},
	"agent/trust FuzzSigned":          {"trust bundles with the right signatures", "Trust.Next read thresholds Bundle.check"},
	"agent/receipt FuzzCheck":         {"receipts", "Check Receipt.compareTotals"},
	"agent/receipt FuzzSigned":        {"receipts with the right signature", "Check Receipt.compareTotals differs"},
	"agent/ticket FuzzRead":           {"reader's tickets, as files", "Read"},
	"agent/manifest FuzzOpen":         {"manifests", "Open"},
	"agent/profile FuzzOpen":          {"profiles", "Open Profile.check"},
	"agent/enrol FuzzReadTicket":      {"enrolment tickets", "ReadTicket"},
	"agent/enrol FuzzOpenRequest":     {"enrolment requests", "OpenRequest"},
	"agent/certificate FuzzRead":      {"certificates", "Read"},
	"agent/certificate FuzzTombstone": {"tombstones", "ReadTombstone"},
	"agent/ledger FuzzParseRecord":    {"records", "ParseRecord parser.member parser.text parser.card parser.id parser.value parser.integer parser.counter parser.complete scanner.peek scanner.take scanner.object scanner.text scanner.integer"},
	"agent/ledger FuzzReadEvent":      {"events of the reader, before they are kept", "readEvent"},
	"agent/ledger FuzzAuditor":        {"lines of a backup", "Auditor.Add Auditor.add"},
	"agent/ledger FuzzPages":          {"the ledger's file, harmed", "checkPages metaOf pageWalk.run pageWalk.node pageWalk.branch pageWalk.leaf pageWalk.bucket within pageWalk.freelist"},
	"agent/backup FuzzReader":         {"the backup's text", "reader.header reader.body reader.trailer reader.next read Header.check Trailer.check"},
	"agent/backup FuzzOpen":           {"sealed files, harmed", "Open open drain"},
	"agent/keys FuzzReadSlot":         {"slots of key files", "readSlot"},
	"agent/keys FuzzParseBox":         {"wrapped keys of a class", "parseBox"},
	"agent/local FuzzClient":          {"answers and events of the daemon", "Client.do refusal Client.Events"},
	"transport/broker FuzzMessage":    {"messages and packets of a broker", "parse assembly.add assembly.drop assembly.forget chainOf bounded.follow"},
	"transport FuzzCertificates":      {"certificates and waiting times of a desk", "parseCertificates retryAfter"},
	"configs FuzzFile":                {"settings", "load.file reading.syntax reading.group entriesOf reading.entry reading.unknown reading.leaf reading.scalar reading.list valueOf numberOf durationOf sizeOf listOf"},
	"wipe FuzzProbe":                  {"mounts, releases, events and maps of the kernel", "parseMounts parseVersion deviceName parseMapping"},
	"wipe FuzzTarget":                 {"paths to erase", "Target.Check straight hasPattern"},

	"cmd/unbind-desk/internal/serve FuzzPlainPath":        {"paths of requests", "plainPath"},
	"cmd/unbind-desk/internal/serve FuzzOperatorRequests": {"requests of operators", "decode"},
	"cmd/unbind-desk/internal/serve FuzzHeaders":          {"headers of requests", "preferWait contentDigest"},
	"cmd/unbind-desk/internal/directory FuzzParseArray":   {"arrays of envelopes", "ParseArray"},
	"cmd/unbind-desk/internal/dossier FuzzVerify":         {"dossiers", "Verify read readEnvelope reader.trust"},
	"cmd/unbind-desk/internal/sealed FuzzParseChain":      {"heads of a chain", "ParseChain"},
	"cmd/unbind-desk/internal/authority FuzzPublicPEM":    {"public keys of holders", "ParsePublicPEM"},
}
