"""What /openapi.json says beyond the types: answers, examples, headers and code samples."""
