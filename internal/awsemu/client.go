package awsemu

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// These are the keys of AWS's own documentation; the emulator takes any.
const (
	exampleKeyID  = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// Config gives the configuration with which an SDK client asks the emulator at endpoint, with credentials that never
// expire.
func Config(endpoint, region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider(exampleKeyID, exampleSecret, ""),
	}
}

// Config gives the configuration with which an SDK client asks this emulator in process, without a port.
func (s *Server) Config(region string) aws.Config {
	cfg := Config("http://aws.invalid", region)
	cfg.HTTPClient = s.Client()
	return cfg
}

// Client reaches this emulator in process, whatever host a request names.
func (s *Server) Client() *http.Client { return &http.Client{Transport: inProcess{s}} }

type inProcess struct{ s *Server }

var errClosed = errors.New("connection closed by the emulator without a reply")

// RoundTrip runs the handler beside the caller, so that a caller who gives up is not held by a fault. Close waits for
// the handler.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(req.Context())
	in := req.Clone(ctx)
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &reply{header: http.Header{}, status: http.StatusOK}
	done := make(chan error, 1)
	if !t.s.start(func() {
		defer cancel()
		defer in.Body.Close()
		done <- w.serve(t.s, in)
	}) {
		cancel()
		return nil, errClosed
	}
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return w.response(req), nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// reply collects what the handler writes.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *reply) Header() http.Header         { return w.header }
func (w *reply) WriteHeader(status int)      { w.status = status }
func (w *reply) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *reply) serve(s *Server, req *http.Request) (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = errClosed
		} else if p != nil {
			panic(p)
		}
	}()
	s.ServeHTTP(w, req)
	return nil
}

func (w *reply) response(req *http.Request) *http.Response {
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: req,
	}
}
