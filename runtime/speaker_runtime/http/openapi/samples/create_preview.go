package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
)

func main() {
	body := strings.NewReader(`{"model": "tts-1", "voice": "alloy", "input": "Hello there! How are you?"}`)
	answer, err := http.Post("http://127.0.0.1:8080/tts/preview", "application/json", body)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		problem, _ := io.ReadAll(answer.Body)
		log.Fatalf("%s: %s", answer.Status, problem)
	}
	var preview struct {
		Sentences []struct {
			Start float64 `json:"start"`
			Text  string  `json:"text"`
			Audio string  `json:"audio"`
		} `json:"sentences"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&preview); err != nil {
		log.Fatal(err)
	}
	for _, sentence := range preview.Sentences {
		fmt.Println(sentence.Start, sentence.Text, sentence.Audio)
	}
}
