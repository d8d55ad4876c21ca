package slackemu

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/stsleuth/stsleuth/internal/slackemu/page"
)

// Options change what New builds. The zero value is the strict, limited
// default workspace.
type Options struct {
	Workspace *Workspace // nil: DefaultWorkspace

	LenientAcks bool // an ack counts on whichever connection it arrives
	NoLimits    bool // start with rate limits off

	AckTimeout   time.Duration   // default 3 s
	PingInterval time.Duration   // default 10 s
	Linger       time.Duration   // from a disconnect message to closing the socket; default 10 s
	EventRetries []time.Duration // waits before an unacknowledged event is sent again; default 0, 1 min, 5 min

	// Now is where the emulator's clock starts from; /_emu/clock moves it on.
	// Acknowledgement times are always real. Default time.Now.
	Now func() time.Time
}

// Server is one emulated workspace. It is an http.Handler, so tests can mount
// it themselves; Start gives it a listener of its own.
type Server struct {
	opts Options
	mux  *http.ServeMux
	http *http.Server
	wg   sync.WaitGroup
	ctx  context.Context // ends with Close
	stop context.CancelFunc

	mu        sync.Mutex    // guards everything below
	url       string        // where Start listens
	base      string        // where the app reaches us; response URLs must point there
	offset    time.Duration // what /_emu/clock added
	ws        Workspace
	channels  map[string]*channel
	files     map[string]*file
	uploads   map[string]*file // by upload path
	triggers  map[string]*trigger
	hooks     map[string]*hook // by response URL path
	views     []*View          // open ones, oldest first
	homes     map[string]*View // by user
	conns     []*conn          // ever opened, for /_emu/sockets
	tickets   map[string]bool
	opens     int
	onConnect string // reason sent to every new connection
	envelopes ring[*envelope]
	calls     ring[*Call]
	faults    []*Fault
	limited   bool
	buckets   map[string]*bucket
	listeners map[*listener]bool
	serial    int // for ids
}

// channel is a Channel with what was said in it.
type channel struct {
	Channel
	lastTS   int64      // microseconds
	messages []*Message // by ts; ephemeral ones among them
	statuses []Status
}

// New builds the workspace. It listens nowhere yet.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.AckTimeout == 0 {
		opts.AckTimeout = ackTimeout
	}
	if opts.PingInterval == 0 {
		opts.PingInterval = 10 * time.Second
	}
	if opts.Linger == 0 {
		opts.Linger = 10 * time.Second
	}
	if opts.EventRetries == nil {
		opts.EventRetries = eventRetries
	}
	ws := DefaultWorkspace()
	if opts.Workspace != nil {
		ws = *opts.Workspace
	}
	s := &Server{
		opts: opts, ws: ws, limited: !opts.NoLimits,
		channels: map[string]*channel{}, files: map[string]*file{}, uploads: map[string]*file{},
		triggers: map[string]*trigger{}, hooks: map[string]*hook{}, homes: map[string]*View{},
		tickets: map[string]bool{}, buckets: map[string]*bucket{}, listeners: map[*listener]bool{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for _, c := range ws.Channels {
		s.channels[c.ID] = &channel{Channel: c}
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/api/{method}", s.serveAPI)
	s.mux.HandleFunc("GET /link/", s.serveSocket)
	s.mux.HandleFunc("POST /commands/", s.serveHook)
	s.mux.HandleFunc("POST /actions/", s.serveHook)
	s.mux.HandleFunc("POST /upload/v1/{id}", s.serveUpload)
	s.controls()
	s.mux.Handle("/", http.FileServerFS(page.Files()))
	return s
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Any page in the visitor's browser can reach loopback; only ours may use it.
	if origin := r.Header.Get("Origin"); origin != "" && strings.HasPrefix(r.URL.Path, "/_emu/") && origin != "http://"+r.Host {
		refuse(w, http.StatusForbidden, "cross_origin", "Requests from another origin are refused.")
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Start listens on addr ("127.0.0.1:0" picks a port) and serves until Close.
func (s *Server) Start(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s.mu.Lock()
	s.url = "http://" + l.Addr().String()
	s.mu.Unlock()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.wg.Go(func() { s.http.Serve(l) }) // ends with ErrServerClosed at Close
	return nil
}

// URL is where Start listens, without a slash at the end.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Close closes every socket properly, then the listener, and waits for both,
// at most 5 s.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	conns := s.live()
	s.mu.Unlock()
	for _, c := range conns {
		c.close(closeGoingAway, "")
	}
	var err error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err = s.http.Shutdown(ctx); err != nil {
			err = s.http.Close()
		}
	}
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
		err = fmt.Errorf("close local slack: goroutines still running after 2 s")
	}
	return err
}

// App is the installed app with its tokens.
func (s *Server) App() App {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ws.App
}

// now is the emulator's clock. Caller holds mu.
func (s *Server) now() time.Time { return s.opts.Now().Add(s.offset) }

// nextID makes ids such as F0000000007, unique in this server. Caller holds mu.
func (s *Server) nextID(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s%010d", prefix, s.serial)
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, RFC 9562
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// obj is one JSON object on its way out.
type obj = map[string]any

// encode is json.Marshal without turning <, > and & into escapes: bots compare
// text byte for byte.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // only our own values come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(encode(v))
}

// ring keeps the newest items and counts those it let go.
type ring[T any] struct {
	items   []T
	dropped int
}

const ringSize = 20000

func (r *ring[T]) add(v T) {
	if len(r.items) == ringSize {
		n := ringSize / 10
		r.items = append(r.items[:0], r.items[n:]...)
		r.dropped += n
	}
	r.items = append(r.items, v)
}
