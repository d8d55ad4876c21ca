package redact

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// JSON cuts secrets out of a JSON text by the names of its fields, and out of
// every other string by shape. Its keys come out sorted and its numbers as they
// were. What is not JSON is treated as plain text.
func JSON(raw []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return []byte(String(string(raw)))
	}
	if _, err := d.Token(); err != io.EOF {
		return []byte(String(string(raw)))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(cutFields("", v)); err != nil {
		return []byte(`"` + Mark + `"`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// secretFields are compared without case, dashes and underscores.
var secretFields = map[string]bool{
	"sessiontoken": true, "securitytoken": true, "secretaccesskey": true, "secretkey": true, "secret": true, "clientsecret": true,
	"samlassertion": true, "samlresponse": true, "webidentitytoken": true, "tokencode": true, "token": true, "idtoken": true,
	"accesstoken": true, "refreshtoken": true, "authtoken": true, "bearertoken": true, "authorization": true, "password": true,
	"oldpassword": true, "newpassword": true, "passwd": true, "passphrase": true, "privatekey": true, "apikey": true, "devicecode": true,
	"secretstring": true, "secretbinary": true, "signature": true, "xamzsecuritytoken": true, "xamzsignature": true, "cookie": true, "setcookie": true,
}

var plainName = strings.NewReplacer("-", "", "_", "", ".", "")

func cutFields(name string, v any) any {
	plain := plainName.Replace(strings.ToLower(name))
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[String(k)] = cutFields(k, x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = cutFields(name, x)
		}
		return out
	case json.Number:
		if secretFields[plain] {
			return Mark
		}
		return v
	case string:
		switch {
		case v == "" || v == Mark:
			return v
		case secretFields[plain]:
			return Mark
		case strings.HasSuffix(plain, "accesskeyid"):
			return Key(v)
		}
		return String(v)
	}
	return v
}
