package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

func main() {
	answer, err := http.Get("http://127.0.0.1:8080/v1/audio/capabilities")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	var service struct {
		Languages          []string `json:"languages"`
		MaxInputCharacters int      `json:"max_input_characters"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&service); err != nil {
		log.Fatal(err)
	}
	fmt.Println(service.Languages, service.MaxInputCharacters)
}
