package journal

// The names on disk. They are strings, listed here only, and never renamed or
// given another meaning.
var (
	bucketMeta   = []byte("meta")   // form
	bucketRun    = []byte("run")    // the case: head, cancel
	bucketSteps  = []byte("steps")  // step name -> Status
	bucketNotes  = []byte("notes")  // note name -> bytes a step kept
	bucketMemory = []byte("memory") // seq, challenge, floor, ticks, damage, ledger, refused, judged, checkpoint, doubt
	bucketIDs    = []byte("ids")    // consumed command id -> {}
	bucketOutbox = []byte("outbox") // u64 -> Parcel
	bucketCounts = []byte("counts") // "answer/<case>" -> last number

	keyForm       = []byte("form")
	keyHead       = []byte("head")
	keyCancel     = []byte("cancel")
	keySeq        = []byte("seq")
	keyEpoch      = []byte("epoch") // of the enrolment; for whoever looks at the file, nothing reads it yet
	keyChallenge  = []byte("challenge")
	keyFloor      = []byte("floor")
	keyBase       = []byte("base")       // the reader's last event of an earlier binding
	keyDamage     = []byte("damage")     // what is wrong with the ledger, until it was read whole
	keyKnown      = []byte("ledger")     // a record that was durable in the ledger once
	keyRefused    = []byte("refused")    // the last order that came to nothing, until a command is accepted
	keyJudged     = []byte("judged")     // names of orders that had their turn
	keyCheckpoint = []byte("checkpoint") // of the desk's log, the newest that was verified
	keyDoubt      = []byte("doubt")      // a checkpoint of it that is not joined to that one
	keyFiller     = []byte("filler")     // the reserve and the trial record, removed at once
)

var buckets = [][]byte{bucketMeta, bucketRun, bucketSteps, bucketNotes, bucketMemory, bucketIDs, bucketOutbox, bucketCounts}

// form is the version of this layout.
const form = "unbindd-journal/1"
