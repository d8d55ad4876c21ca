package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// windows are what the form offers.
var windows = []time.Duration{time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, playbook.MaxWindow}

// Prefill is what the form starts with; empty fields start empty.
type Prefill struct {
	Role   string
	Region string
	Window time.Duration
	// Meta comes back with the answer (private_metadata): where the question was
	// asked, in the handler's own spelling, at most 3,000 characters.
	Meta string
	// Problem is a sentence on what is still missing, for the top of the form.
	Problem string
}

// AskForm asks for role, region and window. The role is searched for on the server
// side (an external select: the handler answers with RoleOptions).
func AskForm(f Prefill, regions []string) slack.ModalViewRequest {
	none := 0
	role := &slack.SelectBlockElement{Type: slack.OptTypeExternal, ActionID: InputRole, Placeholder: plain("Search the account's roles", maxPlaceholder), MinQueryLength: &none}
	if f.Role != "" {
		role.InitialOption = option(f.Role, f.Role)
	}
	region := &slack.SelectBlockElement{Type: slack.OptTypeStatic, ActionID: InputRegion, Placeholder: plain("Where the credentials are used", maxPlaceholder)}
	for _, r := range regions[:min(len(regions), maxOptions)] {
		region.Options = append(region.Options, option(r, r))
		if r == f.Region {
			region.InitialOption = option(r, r)
		}
	}
	window := &slack.SelectBlockElement{Type: slack.OptTypeStatic, ActionID: InputWindow}
	wanted := f.Window
	if wanted == 0 {
		wanted = playbook.DefaultWindow
	}
	for _, w := range windows {
		o := option("Last "+wording.Window(w), windowValue(w))
		window.Options = append(window.Options, o)
		if w == wanted {
			window.InitialOption = o
		}
	}
	if window.InitialOption == nil && wanted >= playbook.MinWindow && wanted <= playbook.MaxWindow {
		window.InitialOption = option("Last "+wording.Window(wanted), windowValue(wanted))
		window.Options = append(window.Options, window.InitialOption)
	}
	blocks := []slack.Block{}
	if f.Problem != "" {
		b := slack.NewSectionBlock(plain(f.Problem, shownLine), nil, nil)
		b.BlockID = "problem"
		blocks = append(blocks, b)
	}
	blocks = append(blocks, input(InputRole, "Role", "The role whose credentials expire.", role), input(InputRegion, "Region", "", region), input(InputWindow, "How far back", "", window))
	return modal(CallbackAsk, "Why did this expire?", "Investigate", f.Meta, blocks)
}

// windowValue is how playbook.ParseWindow reads it back.
func windowValue(w time.Duration) string { return fmt.Sprintf("%dh", int(w.Hours())) }

// roleOptions is how many options a search gives: Slack takes a hundred, but over
// a socket no frame above 20,480 bytes, and an option has up to 207.
// https://github.com/slack-go/slack/issues/1196
const roleOptions = 90

// RoleOptions answers the search for roles: names, at most as many as Slack takes.
// A role's name is unique in its account, so that its path is only shown.
// [ReadRole] reads an option's value back.
func RoleOptions(targets []playbook.Target) slack.OptionsResponse {
	r := slack.OptionsResponse{Options: []*slack.OptionBlockObject{}}
	for _, t := range targets {
		if len(r.Options) == roleOptions {
			break
		}
		words, value := t.Path+t.Role, t.Role
		if utf8.RuneCountInString(words) > maxOptionText {
			words = t.Role + " in " + t.Path
		}
		if account, err := strconv.ParseUint(t.Account, 10, 64); err == nil { // a bare name would be of the default account
			words, value = t.Account+": "+t.Role, strconv.FormatUint(account, 36)+"/"+t.Role
		}
		if value != "" && line(value, maxOptionValue) == value { // one that was cut would be another role
			r.Options = append(r.Options, option(words, value))
		}
	}
	return r
}

// ReadRole takes an option's value apart. The account is written to the base of
// 36, and the role has up to 64 letters: with the usual twelve digits the two
// would be longer than Slack takes. account is "" for the default one.
func ReadRole(value string) (account, role string) {
	digits, role, ok := strings.Cut(value, "/")
	n, err := strconv.ParseUint(digits, 36, 64)
	if !ok || err != nil {
		return "", value
	}
	return fmt.Sprintf("%012d", n), role
}

// FeedbackForm asks what was wrong with a diagnosis.
func FeedbackForm(id string) slack.ModalViewRequest {
	why := slack.NewPlainTextInputBlockElement(plain("What it should have said, or what it overlooked", maxPlaceholder), InputWhy)
	why.Multiline, why.MaxLength = true, 2000
	b := input(InputWhy, "What was wrong?", "Do not paste credentials. It is kept with the investigation.", why)
	b.Optional = true
	return modal(CallbackFeedback, "Wrong diagnosis", "Send", id, []slack.Block{b})
}

func option(words, value string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(line(value, maxOptionValue), plain(words, maxOptionText), nil)
}

func input(id, label, hint string, element slack.BlockElement) *slack.InputBlock {
	var h *slack.TextBlockObject
	if hint != "" {
		h = plain(hint, maxPlaceholder)
	}
	return slack.NewInputBlock(id, plain(label, maxOptionText), h, element)
}

func modal(callback, title, submit, meta string, blocks []slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callback, Title: plain(title, maxViewTitle), Submit: plain(submit, maxViewTitle),
		Close: plain("Cancel", maxViewTitle), PrivateMetadata: cut(meta, maxMetadata), Blocks: slack.Blocks{BlockSet: blocks}}
}
