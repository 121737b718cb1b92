package serve

import (
	"net/http"
	"time"
)

// Who says who may ask a route.
type Who string

// Who may ask: nobody is asked, who shows a certificate on record, the ticket
// signer alone, who may open the socket.
const (
	Anybody Who = "anybody"
	Known   Who = "certificate"
	Signer  Who = "ticket signer"
	Owner   Who = "socket's owner"
)

// Route is one thing that can be asked at a door. Routes are listed here and
// nowhere else: the doors are built of these lists, and so is the table of what
// each of them refuses (docs/ROUTES.md).
type Route struct {
	Method, Path string
	Who          Who
	Body         Body
	serve        http.HandlerFunc
}

// Body is what a request may carry: nothing, where Most is 0.
type Body struct {
	Most int64  // bytes
	Type string // the only Content-Type it may be called; none is one too
}

const (
	typeJSON  = "application/json"
	typeFile  = "application/octet-stream"
	typePiece = "application/offset+octet-stream"
)

var (
	noBody = Body{}
	object = Body{maxObject, typeJSON}
)

// TerminalRoutes are the routes of the HTTPS door.
func (s *Server) TerminalRoutes() []Route {
	list := []Route{
		{"POST", "/v1/enrol", Anybody, object, s.anyone(s.enrol)},
		{"POST", "/v1/time", Anybody, object, s.anyone(s.time)},
		{"GET", "/v1/trust/{n}", Anybody, noBody, s.anyone(s.bundle)},
		{"GET", "/v1/log/checkpoint", Anybody, noBody, s.anyone(s.checkpoint)},
		{"GET", "/v1/log/proof/{i}", Anybody, noBody, s.anyone(s.proof)},
		{"GET", "/v1/log/consistency/{m}/{n}", Anybody, noBody, s.anyone(s.consistency)},
		{"PUT", "/v1/cases/{case}/tombstone", Anybody, object, s.anyone(s.tombstone)},
		{"GET", "/v1/terminals/{terminal}/command", Known, noBody, s.known(s.orders)},
		{"GET", "/v1/tickets", Signer, noBody, s.known(s.tickets)},
		{"PUT", "/v1/cases/{case}/tickets/{n}", Signer, object, s.known(s.keep(s.Desk.Ticket))},
		{"PUT", "/v1/cases/{case}/acceptance/{n}", Known, object, s.deep(s.known(s.keep(s.Desk.Acceptance)))},
		{"PUT", "/v1/cases/{case}/answer/{n}", Known, object, s.deep(s.known(s.receipted(s.Desk.Answer)))},
		{"PUT", "/v1/cases/{case}/manifest/{n}", Known, object, s.deep(s.known(s.keep(s.Desk.Manifest)))},
		{"PUT", "/v1/cases/{case}/certificate/{n}", Known, object, s.deep(s.known(s.receipted(s.Desk.Certificate)))},
		{"PUT", "/v1/cases/{case}/backup/{n}", Known, Body{s.MaxBackup, typeFile}, s.known(s.backup)},
		{"POST", "/v1/uploads", Known, noBody, s.tus(s.open)},
		{"HEAD", "/v1/uploads/{case}/{n}", Known, noBody, s.tus(s.where)},
		{"PATCH", "/v1/uploads/{case}/{n}", Known, Body{maxPiece, typePiece}, s.tus(s.piece)},
		{"GET", "/v1/cases/{case}/{kind}/{n}", Known, noBody, s.known(s.fetch)},
		{"GET", "/v1/cases/{case}/receipts/{kind}/{n}", Known, noBody, s.known(s.fetchReceipt)},
		{"GET", "/v1/cases/{case}/proofs/{kind}/{n}", Known, noBody, s.known(s.proofOfObject)},
		{"GET", "/v1/cases/{case}/proofs/receipts/{kind}/{n}", Known, noBody, s.known(s.proofOfReceipt)},
	}
	return list
}

// OperatorRoutes are the routes of the socket. Who may open the socket may do
// all of them: its directory and its mode are the lock.
func (s *Server) OperatorRoutes() []Route {
	return []Route{
		{"GET", "/desk/address", Owner, noBody, s.anyone(s.address)},
		{"POST", "/desk/console", Owner, noBody, s.anyone(s.invite)},
		{"GET", "/desk/vitals", Owner, noBody, s.anyone(s.vitals)},
		{"POST", "/desk/admit", Owner, object, s.anyone(s.admit)},
		{"POST", "/desk/issue", Owner, object, s.anyone(s.issue)},
		{"POST", "/desk/follow", Owner, object, s.anyone(s.follow)},
		{"POST", "/desk/publish", Owner, object, s.anyone(s.publish)},
		{"POST", "/desk/campaign", Owner, Body{maxWave, typeJSON}, s.anyone(s.campaign)},
		{"POST", "/desk/collect", Owner, object, s.anyone(s.collect)},
		{"GET", "/desk/cases/{case}/draft", Owner, noBody, s.anyone(s.draft)},
		{"POST", "/desk/cases/{case}/withdraw", Owner, noBody, s.anyone(s.withdraw)},
		{"GET", "/desk/overdue/{hours}", Owner, noBody, s.anyone(s.overdue)},
		{"GET", "/desk/alarms", Owner, noBody, s.anyone(s.alarms)},
		{"PUT", "/desk/alarms", Owner, object, s.anyone(s.settle)},
		{"GET", "/desk/caps", Owner, noBody, s.anyone(s.caps)},
		{"PUT", "/desk/caps", Owner, object, s.anyone(s.setCaps)},
		{"GET", "/desk/clock", Owner, noBody, s.anyone(s.clock)},
		{"PUT", "/desk/clock", Owner, object, s.anyone(s.believeClock)},
		{"GET", "/desk/trust", Owner, noBody, s.anyone(s.steps)},
		{"GET", "/desk/cases", Owner, noBody, s.anyone(s.cases)},
		{"GET", "/desk/cases/{case}", Owner, noBody, s.anyone(s.inspect)},
		{"GET", "/desk/cases/{case}/export", Owner, noBody, s.anyone(s.export)},
		{"GET", "/desk/courier/{of}/command", Owner, noBody, s.carried(s.ordersNow)},
		{"PUT", "/desk/courier/{of}/cases/{case}/tombstone", Owner, object, s.carried(s.tombstoneOf)},
		{"PUT", "/desk/courier/{of}/cases/{case}/acceptance/{n}", Owner, object, s.deep(s.carried(s.keep(s.Desk.Acceptance)))},
		{"PUT", "/desk/courier/{of}/cases/{case}/answer/{n}", Owner, object, s.deep(s.carried(s.receipted(s.Desk.Answer)))},
		{"PUT", "/desk/courier/{of}/cases/{case}/manifest/{n}", Owner, object, s.deep(s.carried(s.keep(s.Desk.Manifest)))},
		{"PUT", "/desk/courier/{of}/cases/{case}/certificate/{n}", Owner, object, s.deep(s.carried(s.receipted(s.Desk.Certificate)))},
		{"PUT", "/desk/courier/{of}/cases/{case}/backup/{n}", Owner, Body{s.MaxBackup, typeFile}, s.carried(s.backup)},
		{"GET", "/desk/courier/{of}/cases/{case}/{kind}/{n}", Owner, noBody, s.carried(s.fetch)},
	}
}

// Terminals is the HTTPS door.
func (s *Server) Terminals() http.Handler { return s.door(s.TerminalRoutes()) }

// Operators is the socket's door.
func (s *Server) Operators() http.Handler { return s.door(s.OperatorRoutes()) }

func (s *Server) door(routes []Route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.Method+" "+r.Path, s.guard(r))
	}
	mux.HandleFunc("/", s.nowhere)
	return s.plain(mux)
}

// guard refuses what a route never takes before anything of a body is read, and
// gives the body its time. Who is refused here is not kept on the line: what is
// still under way there would be read as his next request.
func (s *Server) guard(route Route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := fits(route.Body, r)
		if err == nil && route.Body.Most > 0 {
			err = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Limits.Body))
		}
		if err != nil {
			w.Header().Set("Connection", "close")
			s.tell(w, r, err)
			return
		}
		route.serve(w, r)
	}
}
