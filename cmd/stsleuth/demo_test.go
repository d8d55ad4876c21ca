package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func getJSON(t *testing.T, url string, out any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

// postJSON posts as a page of origin does, "" for a program; it gives the status.
func postJSON(t *testing.T, url, body, origin string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestDemoSwitchesIncidents(t *testing.T) {
	url := startDemo(t)
	var list struct {
		Current   string
		Incidents []struct {
			Name, Title string
			Ask         struct{ Role, Region, Window string }
		}
	}
	getJSON(t, url+"/demo/incidents", &list)
	if list.Current != "payments-hourly" || list.Incidents[0].Ask.Role != "payments-api" || list.Incidents[0].Ask.Region != "eu-west-1" {
		t.Errorf("the demo begins with %s, %+v", list.Current, list.Incidents[0])
	}
	for _, in := range list.Incidents {
		if in.Title == "" || in.Ask.Role == "" || in.Ask.Region == "" {
			t.Errorf("%+v", in)
		}
	}
	last := list.Incidents[len(list.Incidents)-1]
	if code := postJSON(t, url+"/demo/incidents", `{"name":"`+last.Name+`"}`, ""); code != 200 {
		t.Errorf("choosing %s: %d", last.Name, code)
	}
	if code := postJSON(t, url+"/demo/incidents", `{"name":"../secret"}`, ""); code != 404 {
		t.Errorf("choosing what is not there: %d", code)
	}
	if code := postJSON(t, url+"/demo/incidents", `{"name":"`+last.Name+`"}`, "https://evil.example"); code != 403 {
		t.Errorf("from another origin: %d", code)
	}
	getJSON(t, url+"/demo/incidents", &list)
	if list.Current != last.Name {
		t.Errorf("current is %s", list.Current)
	}
	// The bot asks the chosen one.
	if code := postJSON(t, url+"/_emu/say", `{"user":"U0ONCALL","channel":"C0INCIDENTS","text":"/sts-expired `+last.Ask.Role+` `+last.Ask.Region+`"}`, ""); code != 200 {
		t.Errorf("say: %d", code)
	}
	deadline := time.After(shown)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var all struct{ Messages []struct{ Text string } }
		getJSON(t, url+"/_emu/messages?channel=C0INCIDENTS", &all)
		if len(all.Messages) == 1 && strings.HasPrefix(all.Messages[0].Text, "Diagnosis for "+last.Ask.Role) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no diagnosis: %+v", all.Messages)
		}
	}
}
