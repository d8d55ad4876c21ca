// Package accounts knows by which role each AWS account is read, and gets the
// credentials for it.
//
// In comes a [Map] from the configuration and the program's own AWS
// configuration; [Pool.Config] gives the configuration with which one account is
// asked: through the account's read-only role where it has one, with the
// program's own credentials where it has none. Sessions are renewed before they
// end and, where AWS does not answer just then, used until they do. That a
// session can't be had is an [AssumeError]: trouble of stsleuth's own, which
// playbook/steps never takes for an answer about the role in question.
//
// Next: internal/app makes one plan an account from it.
package accounts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Account is one AWS account that may be asked.
type Account struct {
	Name       string `yaml:"name" json:"name,omitempty"`               // for people
	RoleARN    string `yaml:"role_arn" json:"role_arn,omitempty"`       // read-only role; "" is the program's own credentials
	ExternalID string `yaml:"external_id" json:"external_id,omitempty"` // a secret that the role's trust policy wants
}

// Map says how each account is read, by its twelve digits.
type Map map[string]Account

var (
	accountID   = regexp.MustCompile(`^[0-9]{12}$`)
	roleARN     = regexp.MustCompile(`^arn:(?:aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role/[\w+=,.@/-]{1,576}$`)
	externalIDs = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`) // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
)

// Validate names everything that is wrong with the map.
func (m Map) Validate(defaultAccount string) error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(m)) {
		a := m[id]
		fail := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("account %s: "+format, append([]any{id}, args...)...))
		}
		if !accountID.MatchString(id) {
			fail("an account is twelve digits, in quotes")
		}
		arn := roleARN.FindStringSubmatch(a.RoleARN)
		switch {
		case a.RoleARN == "":
			if a.ExternalID != "" {
				fail("external_id without role_arn")
			}
		case arn == nil:
			fail("role_arn %q is not a role's ARN", a.RoleARN)
		case arn[1] != id:
			fail("role_arn is of account %s", arn[1])
		case a.ExternalID == "":
			fail("no external_id: without it anyone who can make this bot act for them can reach the account")
		case !externalIDs.MatchString(a.ExternalID) || len(a.ExternalID) > 1224:
			fail("external_id has characters that AWS does not take, or is shorter than 2 or longer than 1224")
		}
	}
	if _, known := m[defaultAccount]; defaultAccount != "" && !known {
		errs = append(errs, fmt.Errorf("default_account %s is not among the accounts", defaultAccount))
	}
	return errors.Join(errs...)
}

const (
	// sessionName is how the program appears in the accounts' own CloudTrail.
	sessionName = "stsleuth"
	// sessionLength is the longest that a role assumed by a role can have.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	sessionLength = time.Hour
	// early is how long before its end a session is renewed, some of it at random
	// so that the accounts don't all come at once.
	early, earlyJitter = 5 * time.Minute, 0.5
	// retryAfter is how long a session that could not be renewed is used before
	// the next try, while it is still good.
	retryAfter = 30 * time.Second
)

// UnknownError is a person's slip or a gap in the map: nobody said how an
// account is read. Its text is for the person who asked.
type UnknownError struct {
	Account string
	Known   []string // "111122223333 (production)"
}

func (e *UnknownError) Error() string {
	return "stsleuth has not been told how to read account " + e.Account + ". Accounts it can read: " + strings.Join(e.Known, ", ") + "."
}

// AssumeError: the session of an account's read-only role could not be had.
type AssumeError struct {
	Account, RoleARN string
	Err              error
}

func (e *AssumeError) Error() string {
	return "assume " + e.RoleARN + " to read account " + e.Account + ": " + e.Err.Error()
}

func (e *AssumeError) Unwrap() error { return e.Err }

// Code is AWS's own code, "" where AWS did not answer.
func (e *AssumeError) Code() string {
	if api, ok := errors.AsType[smithy.APIError](e.Err); ok {
		return api.ErrorCode()
	}
	return ""
}

// Pool has the configuration of every account, made when first asked for. Safe
// for concurrent use.
type Pool struct {
	own      aws.Config
	accounts Map
	standard string // account where none is named, "" is that of the own credentials

	mu   sync.Mutex
	made map[string]aws.Config // guarded by mu
}

// New checks the map. Own is the program's own configuration, whose region is
// where roles are assumed.
func New(own aws.Config, m Map, defaultAccount string) (*Pool, error) {
	if err := m.Validate(defaultAccount); err != nil {
		return nil, err
	}
	return &Pool{own: own, accounts: m, standard: defaultAccount, made: map[string]aws.Config{}}, nil
}

// Accounts are the ids of the map, sorted.
func (p *Pool) Accounts() []string { return slices.Sorted(maps.Keys(p.accounts)) }

// Account is what the map says of an account.
func (p *Pool) Account(id string) Account { return p.accounts[id] }

// Resolve is the account that a question is about: the one that its ARN names,
// else the default; "" is that of the own credentials, whichever that is. The
// error is an *UnknownError. Without a map every account is asked with the own
// credentials, and the first step says when they are of another.
func (p *Pool) Resolve(account string) (string, error) {
	if account == "" {
		return p.standard, nil
	}
	if _, known := p.accounts[account]; known || len(p.accounts) == 0 {
		return account, nil
	}
	e := &UnknownError{Account: account}
	for _, id := range p.Accounts() {
		if name := p.accounts[id].Name; name != "" {
			id += " (" + name + ")"
		}
		e.Known = append(e.Known, id)
	}
	return "", e
}

// Config is how the account is asked. Its clients are worth keeping, one set an
// account: the credentials in it are shared and renew themselves.
func (p *Pool) Config(account string) (aws.Config, error) {
	id, err := p.Resolve(account)
	if err != nil {
		return aws.Config{}, err
	}
	a := p.accounts[id]
	if a.RoleARN == "" {
		return p.own, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if cfg, ok := p.made[id]; ok {
		return cfg, nil
	}
	cfg := p.own.Copy()
	cfg.Credentials = aws.NewCredentialsCache(&session{account: id, role: a.RoleARN,
		from: stscreds.NewAssumeRoleProvider(sts.NewFromConfig(p.own), a.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.ExternalID, o.RoleSessionName, o.Duration = aws.String(a.ExternalID), sessionName, sessionLength
		})}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow, o.ExpiryWindowJitterFrac = early, earlyJitter })
	p.made[id] = cfg
	return cfg, nil
}

// session gets one role's sessions and remembers the last one's true end, which
// the cache in front of it moves forward.
type session struct {
	account, role string
	from          aws.CredentialsProvider

	mu       sync.Mutex
	ends     time.Time // guarded by mu
	extended bool      // guarded by mu: the last renewal was put off
}

func (s *session) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := s.from.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &AssumeError{s.account, s.role, err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends, s.extended = creds.Expires, false
	return creds, nil
}

// HandleFailToRefresh keeps a session that could not be renewed early as long as
// it is good.
func (s *session) HandleFailToRefresh(_ context.Context, before aws.Credentials, err error) (aws.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := time.Until(s.ends)
	if !before.HasKeys() || left <= 0 {
		return aws.Credentials{}, err
	}
	s.extended = true
	before.CanExpire, before.Expires = true, time.Now().Add(min(left, retryAfter))
	return before, nil
}

// AdjustExpiresBy moves the end of a new session forward, and leaves alone what
// is left of one that could not be renewed.
func (s *session) AdjustExpiresBy(creds aws.Credentials, by time.Duration) (aws.Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.extended {
		creds.Expires = creds.Expires.Add(by)
	}
	return creds, nil
}

var (
	_ aws.HandleFailRefreshCredentialsCacheStrategy = (*session)(nil)
	_ aws.AdjustExpiresByCredentialsCacheStrategy   = (*session)(nil)
)
