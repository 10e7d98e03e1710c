package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "example.com/windbreak-client/gen/windbreakv1"
)

// Denied is Windbreak's no, with all that it says: Mistral was not called.
type Denied struct{ *pb.AuthorizeResponse }

func (d Denied) Error() string { return d.GetMessage() }

// Windbreak is a sidecar, and as whom it is asked.
type Windbreak struct {
	stub      pb.PolicyDecisionServiceClient
	principal *pb.Principal
	deadline  time.Duration
	// FailOpen: call Mistral also where the sidecar is away.
	FailOpen bool
}

// Connect takes a sidecar such as unix:/run/windbreak.sock or 127.0.0.1:50051. What is not on this machine needs TLS.
func Connect(target string, principal *pb.Principal, deadline time.Duration) (*Windbreak, error) {
	soon := grpc.ConnectParams{
		// A sidecar that is back is found at once, not after gRPC's two minutes.
		Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
		MinConnectTimeout: time.Second,
	}
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(soon))
	if err != nil {
		return nil, err
	}
	// At once, so that the first call's deadline is not spent on it.
	connection.Connect()
	return &Windbreak{stub: pb.NewPolicyDecisionServiceClient(connection), principal: principal, deadline: deadline}, nil
}

// Grant is what may be sent to Mistral: this model, and no more output than this.
type Grant struct {
	Model           string
	MaxOutputTokens int64
	inputTokens     int64
	// Empty where no decision stands behind it.
	reservation string
}

// Authorize asks about a call. A denial is a Denied; any other error means that no decision was made: do not call.
func (w *Windbreak) Authorize(ctx context.Context, question *pb.AuthorizeRequest) (*Grant, error) {
	question.Principal = w.principal
	ctx, cancel := context.WithTimeout(ctx, w.deadline)
	defer cancel()
	answer, err := w.stub.Authorize(ctx, question)
	if code := status.Code(err); w.FailOpen && (code == codes.Unavailable || code == codes.DeadlineExceeded) {
		return &Grant{Model: question.Model, MaxOutputTokens: question.MaxOutputTokens}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("no decision from Windbreak: %w", err)
	}
	if !answer.Allowed {
		return nil, Denied{answer}
	}
	return &Grant{
		Model:           answer.Model,
		MaxOutputTokens: answer.MaxOutputTokens,
		inputTokens:     question.InputTokens,
		reservation:     answer.ReservationId,
	}, nil
}

// Settle says what a call used and returns what it cost, in nano-USD. Without usage the estimate is charged, and
// nothing where the call failed.
func (w *Windbreak) Settle(grant *Grant, usage *pb.Usage, outcome pb.Outcome) (int64, error) {
	if grant.reservation == "" {
		return 0, nil
	}
	// Not the call's own context: what was used is used, though the caller has gone.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	report := &pb.RecordUsageRequest{ReservationId: grant.reservation, Usage: usage, Outcome: outcome}
	answer, err := w.stub.RecordUsage(ctx, report, grpc.WaitForReady(true))
	return answer.GetCostNanoUsd(), err
}

// UsageWhenCut bounds what a broken-off stream used: usage comes in its last piece alone. 64 tokens may be under way.
func (g *Grant) UsageWhenCut(said string) *pb.Usage {
	return &pb.Usage{InputTokens: g.inputTokens, OutputTokens: min(g.MaxOutputTokens, int64(len(said))+64)}
}

// Bound is the most tokens that a question of one message can be: a token is at least a byte.
func Bound(text string) int64 { return int64(len(text)) + 8 + 64 }
