package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// credentialsWithin is how long the search for our own credentials may take.
// Without any, the SDK asks the instance metadata service, which is silent on
// most machines: 12.8 s passed before it gave up.
const credentialsWithin = 2500 * time.Millisecond

var errNoAnswer = errors.New("no credentials were found in time")

// LoadAWS reads the AWS configuration of this process as every AWS tool does,
// and makes sure that there are credentials: an investigation without any would
// only say nine times that it saw nothing.
func LoadAWS(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	search, cancel := context.WithTimeoutCause(ctx, credentialsWithin, errNoAnswer)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(search); err != nil {
		if search.Err() != nil {
			err = context.Cause(search)
		}
		return aws.Config{}, fmt.Errorf("no AWS credentials: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or give the machine or pod a role (%w)", err)
	}
	return cfg, nil
}
