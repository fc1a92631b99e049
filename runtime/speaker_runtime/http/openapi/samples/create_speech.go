package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	order, err := json.Marshal(map[string]any{
		"model":           "tts-1",
		"voice":           "alloy",
		"input":           "Every word arrives as soon as it is spoken.",
		"response_format": "mp3",
		"seed":            7,
		"language":        "en-US",
	})
	if err != nil {
		log.Fatal(err)
	}
	answer, err := http.Post("http://127.0.0.1:8080/v1/audio/speech", "application/json", bytes.NewReader(order))
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		problem, _ := io.ReadAll(answer.Body)
		log.Fatalf("%s: %s", answer.Status, problem)
	}
	file, err := os.Create("speech.mp3")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, answer.Body); err != nil {
		log.Fatal(err)
	}
}
