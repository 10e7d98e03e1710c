// Calls Mistral under Windbreak: ask, call, settle. Prints one JSON line for each of its scenarios.
//
// Addresses come from WINDBREAK, WINDBREAK_STORE_AWAY (its Redis is down), WINDBREAK_AWAY (nobody listens) and
// MISTRAL_URL.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "example.com/windbreak-client/gen/windbreakv1"
)

// Line is what a scenario came to. A decoder of JSON sees what is left out as not there.
type Line struct {
	Scenario string `json:"scenario"`
	// Of a call that was made.
	Text    string `json:"text,omitempty"`
	Vectors int    `json:"vectors,omitempty"`
	Cost    *int64 `json:"cost_nano_usd,omitempty"`
	// Of one that was not.
	Reason      string `json:"reason,omitempty"`
	HTTPStatus  int32  `json:"http_status,omitempty"`
	RetryAfterS *int64 `json:"retry_after_s,omitempty"`
	NoDecision  string `json:"no_decision,omitempty"`
}

type service struct {
	*Windbreak
	mistral Mistral
}

// ask is a question to chat. Zero fields are those of most scenarios.
type ask struct {
	text, model string
	cap         int64
	// After how many pieces a stream is broken off; 0: not.
	pieces int
}

func (a ask) filled() ask {
	if a.text == "" {
		a.text = "Count to three in French."
	}
	if a.model == "" {
		a.model = "mistral-small-latest"
	}
	if a.cap == 0 {
		a.cap = 100
	}
	return a
}

func (s service) authorizeChat(ctx context.Context, a ask) (*Grant, Body, error) {
	grant, err := s.Authorize(ctx, &pb.AuthorizeRequest{
		Model:           a.model,
		Endpoint:        pb.Endpoint_ENDPOINT_CHAT_COMPLETIONS,
		InputTokens:     Bound(a.text),
		MaxOutputTokens: a.cap,
	})
	if err != nil {
		return nil, Body{}, err
	}
	messages := []Message{{Role: "user", Content: a.text}}
	return grant, Body{Model: grant.Model, Messages: messages, MaxTokens: grant.MaxOutputTokens}, nil
}

func (s service) complete(ctx context.Context, a ask) (Line, error) {
	grant, body, err := s.authorizeChat(ctx, a.filled())
	if err != nil {
		return Line{}, err
	}
	answer, err := s.mistral.Call(ctx, "/v1/chat/completions", body)
	if err != nil {
		_, lost := s.Settle(grant, nil, pb.Outcome_OUTCOME_FAILED)
		return Line{}, errors.Join(err, lost)
	}
	cost, err := s.Settle(grant, answer.Usage.Recorded(), pb.Outcome_OUTCOME_SUCCEEDED)
	return Line{Text: answer.Choices[0].Message.Content, Cost: charged(grant, cost)}, err
}

func (s service) stream(ctx context.Context, a ask) (Line, error) {
	grant, body, err := s.authorizeChat(ctx, a.filled())
	if err != nil {
		return Line{}, err
	}
	text, seen := "", 0
	usage, err := s.mistral.Stream(ctx, body, func(piece string) bool {
		text += piece
		seen++
		return seen != a.pieces
	})
	if err != nil && seen == 0 {
		_, lost := s.Settle(grant, nil, pb.Outcome_OUTCOME_FAILED)
		return Line{}, errors.Join(err, lost)
	}
	used, outcome := usage.Recorded(), pb.Outcome_OUTCOME_SUCCEEDED
	if used == nil {
		used, outcome = grant.UsageWhenCut(text), pb.Outcome_OUTCOME_CANCELLED
	}
	cost, lost := s.Settle(grant, used, outcome)
	return Line{Text: text, Cost: charged(grant, cost)}, errors.Join(err, lost)
}

func (s service) embed(ctx context.Context, text string) (Line, error) {
	grant, err := s.Authorize(ctx, &pb.AuthorizeRequest{
		Model:       "mistral-embed",
		Endpoint:    pb.Endpoint_ENDPOINT_EMBEDDINGS,
		InputTokens: Bound(text),
	})
	if err != nil {
		return Line{}, err
	}
	answer, err := s.mistral.Call(ctx, "/v1/embeddings", Body{Model: grant.Model, Input: []string{text}})
	if err != nil {
		_, lost := s.Settle(grant, nil, pb.Outcome_OUTCOME_FAILED)
		return Line{}, errors.Join(err, lost)
	}
	cost, err := s.Settle(grant, answer.Usage.Recorded(), pb.Outcome_OUTCOME_SUCCEEDED)
	return Line{Vectors: len(answer.Data), Cost: charged(grant, cost)}, err
}

func charged(grant *Grant, cost int64) *int64 {
	if grant.reservation == "" {
		return nil
	}
	return &cost
}

func tell(scenario string, line Line, err error) {
	var denied Denied
	switch {
	case errors.As(err, &denied):
		line = Line{Reason: denied.Reason.String(), HTTPStatus: denied.HttpStatus}
		if wait := denied.RetryAfter; wait != nil {
			line.RetryAfterS = &wait.Seconds
		}
	case err != nil && status.Code(err) != codes.Unknown:
		line = Line{NoDecision: code(err)}
	case err != nil:
		fmt.Fprintln(os.Stderr, scenario, err)
		os.Exit(1)
	}
	line.Scenario = scenario
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func code(err error) string {
	if status.Code(err) == codes.Unavailable {
		return "UNAVAILABLE"
	}
	return status.Code(err).String()
}

func main() {
	deadline := 100 * time.Millisecond
	if ms, err := strconv.Atoi(os.Getenv("WINDBREAK_DEADLINE_MS")); err == nil {
		deadline = time.Duration(ms) * time.Millisecond
	}
	as := func(address, id, role string) service {
		principal := &pb.Principal{Id: id, Role: role, Workspace: "dev"}
		windbreak, err := Connect(os.Getenv(address), principal, deadline)
		if err != nil {
			fmt.Fprintln(os.Stderr, address, err)
			os.Exit(1)
		}
		return service{windbreak, Mistral{os.Getenv("MISTRAL_URL"), "any"}}
	}
	ctx := context.Background()
	run := func(scenario string, call func(context.Context, ask) (Line, error), a ask) {
		line, err := call(ctx, a)
		tell(scenario, line, err)
	}
	ada := as("WINDBREAK", "ada", "crew")
	run("complete", ada.complete, ask{})
	run("stream", ada.stream, ask{})
	line, err := ada.embed(ctx, "un")
	tell("embed", line, err)
	run("cancel", ada.stream, ask{text: "Count to a million in French.", pieces: 1})
	run("model not allowed", ada.complete, ask{model: "codestral-latest"})
	run("too large", ada.complete, ask{cap: 5000})
	hasty := as("WINDBREAK", "bob", "hasty")
	run("within the rate", hasty.complete, ask{})
	run("rate limited", hasty.complete, ask{})
	run("budget", as("WINDBREAK", "cleo", "poor").complete, ask{})
	run("store away", as("WINDBREAK_STORE_AWAY", "ada", "crew").complete, ask{})
	alone := as("WINDBREAK_AWAY", "ada", "crew")
	run("sidecar away", alone.complete, ask{})
	alone.FailOpen = true
	run("fail open", alone.complete, ask{})
}
