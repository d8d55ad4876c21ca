// Package planted makes secrets that open nothing, puts them where a log would
// have them, and finds them again. Tests plant them in whatever a stranger can
// write and look for them in whatever the product tells.
//
// In comes a label (each gives other secrets, always the same); out go secrets
// ([Secrets]), texts that hold one ([Wrappings] in wrap.go) and, of any output, the
// secrets that leaked into it ([Field.Leaks] in leaks.go). Only tests import it.
package planted

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Secret is one secret as a field of something.
type Secret struct {
	Kind  string   // what it is
	Name  string   // of the field in which it stands
	Value string   // as it is copied and pasted
	Core  []string // the parts that open something
	Bare  bool     // its shape says what it is, with no name beside it
}

// letters for secrets.
const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	small    = "abcdefghijklmnopqrstuvwxyz"
	digits   = "0123456789"
	alnum    = capitals + small + digits
	base64s  = alnum + "+/"
	urlsafe  = alnum + "-_"
	key32    = capitals + "234567"
)

// source draws letters, the same for the same label.
type source struct{ *rand.Rand }

func from(label string) source {
	return source{rand.New(rand.NewChaCha8(sha256.Sum256([]byte(label))))}
}

func (r source) draw(from string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[r.IntN(len(from))]
	}
	return string(b)
}

// token is a session token: what begins alike for all of one generation, and the rest.
func (r source) token(kind, begin string, n int) Secret {
	body := r.draw(base64s, n)
	return Secret{Kind: kind, Name: "aws_session_token", Value: begin + body + "==", Core: []string{body}, Bare: true}
}

// Secrets are one of each kind.
func Secrets(label string) []Secret {
	r := from(label)
	var all []Secret
	add := func(s Secret) { all = append(all, s) }

	secret := r.draw(base64s, 40)
	add(Secret{"secret access key", "aws_secret_access_key", secret, []string{secret}, true})
	for _, prefix := range []string{"AKIA", "ASIA"} {
		id := r.draw(key32, 16)
		add(Secret{"access key id " + prefix, "aws_access_key_id", prefix + id, []string{id}, true})
	}
	for _, begin := range []string{"FwoGZXIvYXdzE", "IQoJb3JpZ2luX2VjE", "AQoDYXdzE", "FQoGZXIvYXdzE", "AgoJb3JpZ2luX2VjE"} {
		add(r.token("session token "+begin[:4], begin, 300+r.IntN(90)*4))
	}
	body := r.draw(base64s, 480)
	add(Secret{"session token of a later day", "aws_session_token", body, []string{body}, true})

	claims := fmt.Sprintf(`{"iss":"https://oidc.eks.eu-west-1.amazonaws.com/id/%s","sub":"system:serviceaccount:a:%s","exp":1791990000}`, r.draw(capitals+digits, 32), r.draw(small, 12))
	sig, kid := r.draw(urlsafe, 342), r.draw(small+digits, 20)
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"` + kid + `"}`))
	payload := base64.RawURLEncoding.EncodeToString([]byte(claims))
	add(Secret{"web identity token", "web_identity_token", head + "." + payload + "." + sig, []string{sig, payload[60:120]}, true})
	padded := base64.URLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + base64.URLEncoding.EncodeToString([]byte(`{"sub":"`+r.draw(alnum, 22)+`"}`)) + "." + r.draw(urlsafe, 86) + "=="
	add(Secret{"padded JSON web token", "id_token", padded, []string{padded[len(padded)-80 : len(padded)-2]}, true})

	name, signature := r.draw(small, 18), r.draw(base64s, 344)
	xml := `<saml2p:Response xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_` + r.draw(small+digits, 32) + `"><saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"><ds:SignatureValue>` +
		signature + `</ds:SignatureValue><saml2:Subject><saml2:NameID>` + name + `</saml2:NameID></saml2:Subject></saml2:Assertion></saml2p:Response>`
	add(Secret{"SAML response", "SAMLResponse", xml, []string{signature, name}, true})
	signature = r.draw(base64s, 344)
	encoded := base64.StdEncoding.EncodeToString([]byte(strings.Replace(xml, xml[strings.Index(xml, "e>")+2:strings.Index(xml, "</ds")], signature, 1)))
	add(Secret{"SAML response, encoded", "SAMLResponse", encoded, []string{encoded[60 : len(encoded)-60]}, true})
	var squeezed bytes.Buffer
	w, err := flate.NewWriter(&squeezed, 9)
	if err != nil {
		panic(err) // 9 is a level
	}
	w.Write([]byte(xml + r.draw(alnum, 40)))
	w.Close()
	deflated := base64.StdEncoding.EncodeToString(squeezed.Bytes())
	add(Secret{"SAML request, deflated", "SAMLAssertion", deflated, []string{strings.TrimRight(deflated, "=")}, true})

	team := "T0" + r.draw(capitals+digits, 9)
	for _, begin := range []string{"xoxb-", "xoxp-", "xoxe-1-", "xoxe.xoxp-1-", "xapp-1-A0" + r.draw(capitals+digits, 9) + "-" + r.draw(digits, 13) + "-"} {
		body := r.draw(alnum, 24)
		add(Secret{"Slack token " + begin[:5], "SLACK_TOKEN", begin + r.draw(digits, 12) + "-" + body, []string{body}, true})
	}
	for _, kind := range []string{"services", "commands", "triggers", "actions"} {
		body := r.draw(alnum, 24)
		add(Secret{"Slack address " + kind, "response_url", "https://hooks.slack.com/" + kind + "/" + team + "/B0" + r.draw(capitals+digits, 9) + "/" + body, []string{body}, true})
	}

	password := r.draw(alnum, 20)
	add(Secret{"Redis URL", "REDIS_URL", "rediss://default:" + password + "@cache.internal:6379/0", []string{password}, true})
	password = r.draw(alnum+"!#$*", 18)
	password = "p" + strings.ReplaceAll(password, "$", "%") + "9" // no shell variable
	password = strings.ReplaceAll(password, "%", "!")
	add(Secret{"password", "DB_PASSWORD", password, []string{password}, false})
	client := r.draw(alnum+"~-", 34)
	client = "Q8" + strings.Trim(client, "-~") + "x"
	add(Secret{"client secret", "client_secret", client, []string{client}, false})
	apikey := r.draw("0123456789abcdef", 32)
	add(Secret{"API key", "api_key", apikey, []string{apikey}, false})
	mfa := r.draw(digits, 6)
	add(Secret{"MFA code", "token_code", mfa, []string{mfa}, false})

	pem := Secret{Kind: "private key", Name: "private_key", Bare: true, Value: "-----BEGIN RSA PRIVATE KEY-----\n"}
	for range 6 {
		line := r.draw(base64s, 64)
		pem.Core, pem.Value = append(pem.Core, line), pem.Value+line+"\n"
	}
	pem.Value += "-----END RSA PRIVATE KEY-----"
	add(pem)
	for _, begin := range []string{"ghp_", "gho_", "github_pat_", "glpat-"} {
		body := r.draw(alnum, 40)
		add(Secret{"token " + begin, "GITHUB_TOKEN", begin + body, []string{body}, true})
	}

	day := "20261014"
	id, sum, token := r.draw(key32, 16), hex.EncodeToString([]byte(r.draw(alnum, 32))), r.draw(base64s, 300)
	esc := strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D")
	add(Secret{"presigned URL", "url", "https://s3.eu-west-1.amazonaws.com/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIA" + id + "%2F" + day + "%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=" + day + "T090807Z&X-Amz-Expires=900&X-Amz-Security-Token=" +
		esc.Replace("IQoJb3JpZ2luX2VjE"+token) + "&X-Amz-SignedHeaders=host&X-Amz-Signature=" + sum, []string{id, sum, token}, true})
	id, sum = r.draw(key32, 16), hex.EncodeToString([]byte(r.draw(alnum, 32)))
	add(Secret{"Authorization header", "Authorization", "AWS4-HMAC-SHA256 Credential=ASIA" + id + "/" + day + "/eu-west-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + sum, []string{id, sum}, true})
	opaque := r.draw(alnum, 44)
	add(Secret{"bearer token", "Authorization", "Bearer " + opaque, []string{opaque}, true})
	basic := base64.StdEncoding.EncodeToString([]byte(r.draw(small, 6) + ":" + r.draw(alnum, 24)))
	add(Secret{"basic credentials", "Authorization", "Basic " + basic, []string{basic[12:]}, false})
	return all
}
