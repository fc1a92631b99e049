"""GLM-TTS: Chinese, English and both mixed, in voices cloned of a recording and its transcript."""
