package store

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate and key are of a server on loopback that nobody but SSL_CERT_FILE
// vouches for. Go reads that variable once, so it is set before any test.
var certificate, key string

func TestMain(m *testing.M) {
	if url := os.Getenv(asWorker); url != "" {
		worker(url)
		return
	}
	dir, err := os.MkdirTemp("", "store-tls")
	if err == nil {
		err = certify(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("SSL_CERT_FILE", certificate)
	flag.Parse()
	flag.Set("test.parallel", "8") // these tests wait for servers and moments, they don't compute
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func certify(dir string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redis"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600)
}

func TestRedisTLS(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	startRedis(t, "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no")
	testStore(t, onEmpty("rediss://127.0.0.1:"+port))
	if _, err := Open(t.Context(), "redis://127.0.0.1:"+port, Options{}); err == nil {
		t.Error("a TLS port was opened without TLS")
	}
}
