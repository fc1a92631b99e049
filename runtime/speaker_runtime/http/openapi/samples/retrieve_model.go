package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

func main() {
	answer, err := http.Get("http://127.0.0.1:8080/v1/models/tts-1")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	var model struct {
		OwnedBy string `json:"owned_by"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&model); err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.OwnedBy)
}
