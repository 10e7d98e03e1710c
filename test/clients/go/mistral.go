package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	pb "example.com/windbreak-client/gen/windbreakv1"
)

// Mistral's API, as far as this program calls it.
type Mistral struct{ url, key string }

// Body is a request's or an answer's, in the fields that are used here.
type Body struct {
	Model     string    `json:"model,omitempty"`
	Messages  []Message `json:"messages,omitempty"`
	Input     []string  `json:"input,omitempty"`
	MaxTokens int64     `json:"max_tokens,omitempty"`
	Stream    bool      `json:"stream,omitempty"`
	Choices   []Choice  `json:"choices,omitempty"`
	Data      []any     `json:"data,omitempty"`
	Usage     *Usage    `json:"usage,omitempty"`
}

type Message struct {
	Role    string `json:"role,omitempty"`
	Content string `json:"content"`
}

type Choice struct{ Message, Delta Message }

type Usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Cached     int64 `json:"num_cached_tokens"`
}

// Recorded is the same as Windbreak takes it.
func (u *Usage) Recorded() *pb.Usage {
	if u == nil {
		return nil
	}
	return &pb.Usage{InputTokens: u.Prompt, CachedInputTokens: u.Cached, OutputTokens: u.Completion}
}

func (m Mistral) send(ctx context.Context, path string, body Body) (*http.Response, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("authorization", "Bearer "+m.key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("Mistral answered %s", response.Status)
	}
	return response, nil
}

// Call waits for the whole answer.
func (m Mistral) Call(ctx context.Context, path string, body Body) (*Body, error) {
	response, err := m.send(ctx, path, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer Body
	return &answer, json.NewDecoder(response.Body).Decode(&answer)
}

// Stream gives each piece to `take`, until it says no. Returns the usage; nil where the stream ended before it.
func (m Mistral) Stream(ctx context.Context, body Body, take func(piece string) bool) (*Usage, error) {
	// Broken off by its context, so that Mistral stops writing.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body.Stream = true
	response, err := m.send(ctx, "/v1/chat/completions", body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	var usage *Usage
	for lines.Scan() {
		data, isData := strings.CutPrefix(lines.Text(), "data: ")
		if !isData || data == "[DONE]" {
			continue
		}
		var event Body
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return usage, err
		}
		if event.Usage != nil {
			usage = event.Usage
		}
		for _, choice := range event.Choices {
			if !take(choice.Delta.Content) {
				return usage, nil
			}
		}
	}
	return usage, lines.Err()
}
