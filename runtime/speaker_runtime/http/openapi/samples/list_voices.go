package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

func main() {
	answer, err := http.Get("http://127.0.0.1:8080/v1/audio/voices")
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		log.Fatal(answer.Status)
	}
	var list struct {
		Voices []struct {
			ID        string   `json:"id"`
			Name      string   `json:"name"`
			Languages []string `json:"languages"`
		} `json:"voices"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		log.Fatal(err)
	}
	for _, voice := range list.Voices {
		fmt.Println(voice.ID, voice.Name, voice.Languages)
	}
}
